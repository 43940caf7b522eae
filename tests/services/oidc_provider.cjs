// A real OpenID Connect provider (npm: oidc-provider) on a loopback port, with people in memory.
// Reads from its environment: PORT, CLIENT (JSON: client_id, client_secret, redirect_uris). On its standard input come
// people, one JSON object a line: {"login", "sub", claims...}; a later line of the same login takes its place.
'use strict';
const readline = require('node:readline');

const people = new Map();

async function main() {
  const { default: Provider } = await import('oidc-provider');
  const port = Number(process.env.PORT);
  const client = JSON.parse(process.env.CLIENT);
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [{ ...client, token_endpoint_auth_method: process.env.AUTH_METHOD || 'client_secret_post' }],
    clientAuthMethods: [process.env.AUTH_METHOD || 'client_secret_post'],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'] },
    scopes: ['openid', 'profile', 'email', 'groups'],
    // As Keycloak and Entra ID do it with IN_TOKEN; without, only userinfo tells claims.
    conformIdTokenClaims: !process.env.IN_TOKEN,
    pkce: { required: () => true },
    cookies: { keys: ['only-for-tests'] },
    async findAccount(_context, login) {
      const person = people.get(login);
      return person && { accountId: login, claims: async () => ({ ...person, sub: person.sub || login }) };
    },
    // People of the operator's own company are not asked whether they agree.
    async loadExistingGrant(context) {
      const grant = new context.oidc.provider.Grant({
        clientId: context.oidc.client.clientId, accountId: context.oidc.session.accountId,
      });
      grant.addOIDCScope('openid profile email groups');
      await grant.save();
      return grant;
    },
  });
  provider.listen(port, '127.0.0.1', () => process.stdout.write('ready\n'));
  readline.createInterface({ input: process.stdin }).on('line', (line) => {
    const { login, ...claims } = JSON.parse(line);
    people.set(login, claims);
    process.stdout.write('known\n');
  });
}

main().catch((error) => { process.stderr.write(`${error.stack}\n`); process.exit(1); });
