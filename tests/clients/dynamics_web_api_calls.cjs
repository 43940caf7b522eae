// Calls of dynamics-web-api on leads; prints what each returned or raised.
const { DynamicsWebApi } = require("dynamics-web-api");

const [serverUrl, token] = process.argv.slice(2);
const api = new DynamicsWebApi({ serverUrl, dataApi: { version: "9.2" }, onTokenRefresh: async () => token });
const done = {};
const call = async (name, work) => {
  try {
    done[name] = (await work()) ?? null;
  } catch (error) {
    done[name] = { raised: error.status ?? error.name, text: error.message };
  }
  return done[name];
};

(async () => {
  const collection = "leads";
  const key = "5a1d6f0e-0c58-5b3e-9a77-3d0c5e2b8f41";
  await call("create", () => api.create({ collection, data: { leadid: key, subject: "One", lastname: "King" } }));
  const read = await call("retrieve", () => api.retrieve({ collection, key, select: ["subject"] }));
  await call("retrieve unchanged", async () => (await api.retrieve({ collection, key, select: ["subject"], ifnonematch: read["@odata.etag"] })) ?? "unchanged");
  await call("update", () => api.update({ collection, key, data: { subject: "Uno" } }));
  await call("upsert", () => api.upsert({ collection, key, data: { subject: "Due" } }));
  await call("retrieveMultiple", async () => (await api.retrieveMultiple({ collection, select: ["subject"], filter: "contains(subject,'u') and lastname eq 'King'", orderBy: ["subject"], count: true, maxPageSize: 1 })).oDataCount);
  await call("count", () => api.count({ collection }));
  await call("callFunction WhoAmI", async () => Object.keys(await api.callFunction({ name: "WhoAmI" })).sort());
  await call("retrieveEntity", async () => (await api.retrieveEntity({ key: "LogicalName='lead'", select: ["EntitySetName"] })).EntitySetName);
  await call("executeBatch", async () => {
    api.startBatch();
    api.create({ collection, data: { subject: "B", lastname: "Batch" } });
    return (await api.executeBatch()).length;
  });
  await call("deleteRecord", () => api.deleteRecord({ collection, key }));
  console.log(JSON.stringify(done));
})();
