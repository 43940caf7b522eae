"use strict";
// Every call of jsforce's Connection and SObject that has to do with leads; prints what each returned.
// jsforce_calls.cjs HOST KEY SECRET EXTERNAL_ID: the org holds a converted lead whose external id is "converted".

const jsforce = require("jsforce");
const telling = require("./telling.cjs");

const [, , host, clientId, clientSecret, externalId] = process.argv;
const { done, call, print } = telling((error) => ({
  raised: error.name,
  code: error.errorCode || error.name,
  text: error.message,
}));

async function main() {
  const loginUrl = `https://${host}`;
  const grant = { grant_type: "client_credentials" };
  const org = new jsforce.Connection({ version: "62.0", oauth2: { loginUrl, clientId, clientSecret } });
  const stranger = new jsforce.Connection({ oauth2: { loginUrl, clientId, clientSecret: "wrong" } });
  await call("authorize", () => org.authorize(grant));
  await call("authorize with a wrong secret", () => stranger.authorize(grant));
  await call("identity", () => org.identity());
  await call("requestGet versions", () => org.requestGet("/services/data/"));
  await call("describeGlobal", () => org.describeGlobal());
  await call("limits", () => org.limits());
  const Lead = org.sobject("Lead");
  await call("sobject.describe", () => Lead.describe());
  const ada = { LastName: "Lovelace", company: "Analytical", EMAIL: "ada@analytical.test", [externalId]: "ada" };
  const made = (await call("sobject.create", () => Lead.create(ada))) || { id: "00Q000000000000AAA" };
  await call("sobject.create again", () => Lead.create(ada));
  const two = [{ LastName: "One", Company: "Two" }, { LastName: "Two" }];
  await call("sobject.create many", () => Lead.create(two));
  await call("sobject.create many allOrNone", () => Lead.create(two, { allOrNone: true }));
  await call("sobject.retrieve", () => Lead.retrieve(made.id));
  await call("sobject.retrieve of some fields", () => Lead.retrieve(made.id, { fields: ["email"] }));
  await call("sobject.retrieve many", () => Lead.retrieve([made.id, "00Q000000000000AAA"]));
  await call("record.retrieve", async () => (await Lead.record(made.id).retrieve()).Name);
  await call("sobject.update", () => Lead.update({ Id: made.id, Title: "Countess" }));
  await call("sobject.update many", () => Lead.update([{ Id: made.id, City: "London" }, { Id: "00Q0", City: "x" }]));
  const grace = { LastName: "Hopper", Company: "Navy", [externalId]: "grace" };
  await call("sobject.upsert", () => Lead.upsert(grace, externalId));
  await call("sobject.upsert again", () => Lead.upsert(grace, externalId));
  await call("sobject.upsert many", () => Lead.upsert([grace, { ...grace, [externalId]: "jean" }], externalId));
  await call("sobject.upsert of a converted lead", () => Lead.upsert({ ...grace, [externalId]: "converted" }, externalId));
  const old = new jsforce.Connection({ instanceUrl: loginUrl, accessToken: org.accessToken, version: "45.0" });
  await call("sobject.upsert many before v46", () => old.sobject("Lead").upsert([grace], externalId));
  await call("requestPatch upserting many before v46", () =>
    old.requestPatch(`/composite/sobjects/Lead/${externalId}`, { records: [{ attributes: { type: "Lead" }, ...grace }] })
  );
  await call("query", () => org.query("SELECT Id, Name FROM Lead WHERE Email = 'ADA@analytical.test'"));
  await call("queryMore", async () => {
    const records = Array.from({ length: 200 }, (_, n) => ({ LastName: `L${n}`, Company: "Many" }));
    await Lead.create(records);
    const headers = { "Sforce-Query-Options": "batchSize=200" };
    const first = await org.query("SELECT Id FROM Lead", { headers });
    const second = await org.queryMore(first.nextRecordsUrl);
    return [first.done, first.records.length, second.done, first.totalSize - second.records.length];
  });
  await call("query autoFetch", () =>
    new Promise((resolve, reject) => {
      let seen = 0;
      const query = org.query("SELECT Id FROM Lead WHERE Company = 'Many'", { headers: { "Sforce-Query-Options": "batchSize=200" } });
      query.on("record", () => (seen += 1)).on("end", () => resolve(seen)).on("error", reject);
      query.run({ autoFetch: true, maxFetch: 1000 });
    })
  );
  await call("sobject.find", () => Lead.find({ Company: "Many", LastName: { $like: "L1%" } }, "Id, LastName").sort("-LastName").limit(2));
  await call("sobject.findOne", () => Lead.findOne({ [externalId]: "ada" }, ["Id", "Title"]));
  await call("sobject.count", () => Lead.count({ LastName: { $in: ["Hopper", "Lovelace"] } }));
  await call("sobject.find with $or", () => Lead.find({ $or: [{ City: "London" }, { Title: null, Company: "Two" }] }, ["LastName"]));
  await call("query of an unknown field", () => org.query("SELECT Shoe__c FROM Lead"));
  await call("query that is none", () => org.query("SELEKT"));
  const base = "/services/data/v62.0/sobjects/Lead";
  const compositeRequest = [
    { method: "POST", url: base, referenceId: "made", body: { LastName: "Step", Company: "Steps" } },
    { method: "GET", url: `${base}/@{made.id}?fields=LastName`, referenceId: "seen" },
  ];
  await call("requestPost composite", () => org.requestPost("/composite", { compositeRequest }));
  await call("sobject.destroy", () => Lead.destroy(made.id));
  await call("sobject.retrieve of a deleted lead", () => Lead.retrieve(made.id));
  const many = (await org.query("SELECT Id FROM Lead WHERE Company = 'Many' LIMIT 3")).records.map((each) => each.Id);
  await call("sobject.destroy many", () => Lead.destroy([...many, "00Q000000000000AAA"]));
  await call("sobject.find and destroy", () => Lead.find({ Company: "Two" }).destroy());
  const hour = 3600 * 1000;
  await call("sobject.deleted", async () => {
    const found = await Lead.deleted(new Date(Date.now() - hour), new Date(Date.now() + hour));
    return found.deletedRecords.length;
  });
  await call("sobject.updated", async () => {
    const found = await Lead.updated(new Date(Date.now() - hour), new Date(Date.now() + hour));
    return found.ids.length;
  });
  await call("logout", () => org.logout());
  await call("limits after the logout", () => old.limits());
  print();
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
