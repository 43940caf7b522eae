// Leads the production host names of Microsoft to the sandbox at port SANDBOX_PORT, in a client's own process.
const net = require("node:net");

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...given) {
  const inner = Array.isArray(given[0]) ? given[0] : given;
  const wanted = inner[0];
  if (/\.(dynamics|microsoftonline)\.com$/.test(wanted?.host ?? "")) {
    inner[0] = { ...wanted, host: "127.0.0.1", port: Number(process.env.SANDBOX_PORT) };
  }
  return connect.apply(this, given);
};
