"use strict";
// Every call of dynamics-web-api that has to do with leads; prints what each returned or raised.
// dynamics_web_api_calls.cjs TENANT APPLICATION SECRET RESOURCE CAMPAIGN: the environment has an alternate key on
// emailaddress1, the application may delete, and CAMPAIGN is there.

const https = require("node:https");
const { DynamicsWebApi } = require("dynamics-web-api");
const telling = require("./telling.cjs");

const [, , tenant, application, secret, resource, campaign] = process.argv;
const MISSING = "00000000-0000-4000-8000-000000000000";
const { done, call, print } = telling((error) => {
  const first = Array.isArray(error) ? error.find((each) => each instanceof Error) : error;
  const told = { raised: first.name, code: first.status ?? first.code, text: `${first.code} ${first.message}` };
  if (Array.isArray(error)) told.answers = error.map((each) => (each instanceof Error ? each.status : each));
  return told;
});

// The library leaves signing in to its caller: one form, its body in chunks since no length is message.
function token() {
  const form = { grant_type: "client_credentials", client_id: application, client_secret: secret };
  const body = new URLSearchParams({ ...form, scope: `${resource}/.default` }).toString();
  return new Promise((resolve, reject) => {
    const headers = { "Content-Type": "application/x-www-form-urlencoded" };
    const url = `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`;
    const request = https.request(url, { method: "POST", headers }, (answer) => {
      let text = "";
      answer.on("data", (part) => (text += part));
      answer.on("end", () => resolve(JSON.parse(text).access_token));
    });
    request.on("error", reject);
    request.write(body.slice(0, 10));
    request.end(body.slice(10));
  });
}

async function main() {
  const accessToken = await token();
  const config = { serverUrl: resource, onTokenRefresh: async () => accessToken };
  const api = new DynamicsWebApi(config);
  const collection = "leads";
  const stranger = new DynamicsWebApi({ ...config, onTokenRefresh: async () => "a.b.c" });

  await call("callFunction", () => api.callFunction("WhoAmI"));
  await call("callFunction with a wrong token", () => stranger.callFunction("WhoAmI"));
  await call("callFunction RetrieveVersion", () => api.callFunction({ name: "RetrieveVersion" }));
  await call("callFunction bound", async () => {
    const { UserId } = await api.callFunction("WhoAmI");
    const name = "Microsoft.Dynamics.CRM.RetrieveUserPrivilegeByPrivilegeName";
    const parameters = { PrivilegeName: "prvCreateLead" };
    return (await api.callFunction({ collection: "systemusers", key: UserId, name, parameters })).RolePrivileges.length;
  });

  const ada = { subject: "Ada – Lovelace", lastname: "Lovelace", leadsourcecode: 9, numberofemployees: 3 };
  const made = (await call("create", () => api.create({ collection, data: ada }))) || MISSING;
  const shown = { collection, returnRepresentation: true, select: ["subject", "leadsourcecode"] };
  const bert = { subject: "Bert", lastname: "King", emailaddress1: "bert@example.com" };
  const second = (await call("create returnRepresentation", () => api.create({ ...shown, data: bert }))) || {};
  await call("create duplicateDetection", () => api.create({ collection, data: bert, duplicateDetection: true }));
  await call("create of an unknown column", () => api.create({ collection, data: { new_nothing: 1 } }));
  const bound = { subject: "Carl", lastname: "King", "campaignid@odata.bind": `campaigns(${campaign})` };
  const carl = await call("create with a reference", () => api.create({ collection, data: bound }));
  const targets = ["Dora", "Emil"].map((subject) => ({ "@odata.type": "Microsoft.Dynamics.CRM.lead", subject, lastname: "King" }));
  const many = (await call("callAction CreateMultiple", () =>
    api.callAction({ collection, actionName: "Microsoft.Dynamics.CRM.CreateMultiple", action: { Targets: targets } }),
  )) || { Ids: [MISSING, MISSING] };

  const one = { collection, key: made, select: ["subject", "leadsourcecode"] };
  const read = await call("retrieve", () => api.retrieve(one));
  await call("retrieve includeAnnotations", () => api.retrieve({ ...one, includeAnnotations: "*" }));
  await call("retrieve by an alternate key", () =>
    api.retrieve({ collection, key: "emailaddress1='bert@example.com'", select: ["subject"] }),
  );
  await call("retrieve not modified", () => api.retrieve({ ...one, ifnonematch: read?.["@odata.etag"] ?? "none" }));
  await call("retrieve of a lookup", () => api.retrieve({ collection, key: carl || MISSING, select: ["_campaignid_value"] }));
  await call("retrieve of one property", () => api.retrieve({ collection, key: made, select: ["/subject"] }));
  await call("retrieve of none", () => api.retrieve({ collection, key: MISSING }));
  await call("retrieve with a reference expanded", () =>
    api.retrieve({ ...one, expand: [{ property: "campaignid", select: ["name"] }] }),
  );

  const list = { collection, select: ["subject"], orderBy: ["subject desc"] };
  const kings = "lastname eq 'King' and contains(subject,'r')";
  await call("retrieveMultiple", () => api.retrieveMultiple({ ...list, filter: kings, count: true }));
  await call("retrieveMultiple top", () => api.retrieveMultiple({ ...list, top: 2 }));
  const first = await call("retrieveMultiple maxPageSize", () => api.retrieveMultiple({ ...list, maxPageSize: 3 }));
  await call("retrieveMultiple the next page", () =>
    api.retrieveMultiple({ ...list, maxPageSize: 3 }, first?.oDataNextLink || "none"),
  );
  await call("retrieveMultiple includeAnnotations", () =>
    api.retrieveMultiple({ ...list, select: ["leadsourcecode"], filter: "leadsourcecode ne null", includeAnnotations: "*" }),
  );
  await call("retrieveAll", () => api.retrieveAll({ ...list, maxPageSize: 2 }));
  await call("count", () => api.count({ collection }));
  await call("count with a filter", () => api.count({ collection, filter: "lastname eq 'King'" }));
  await call("countAll", () => api.countAll({ collection, select: ["leadid"] }));
  const long = Array.from({ length: 60 }, (_, number) => `subject eq 'no such subject ${number}'`).join(" or ");
  await call("retrieveMultiple with a long filter", () =>
    api.retrieveMultiple({ ...list, filter: `${long} or subject eq 'Dora'` }),
  );
  const xml = "<fetch><entity name='lead'><attribute name='subject'/></entity></fetch>";
  await call("fetch", () => api.fetch({ collection, fetchXml: xml }));

  await call("update", () => api.update({ collection, key: made, data: { jobtitle: "Countess" } }));
  await call("update returnRepresentation", () => api.update({ ...one, data: { fax: "1" }, returnRepresentation: true }));
  await call("update of another version", () => api.update({ ...one, data: { fax: "2" }, ifmatch: 'W/"1"' }));
  await call("update of none", () => api.update({ collection, key: MISSING, data: { fax: "3" } }));
  const property = { collection, key: made };
  await call("updateSingleProperty", () => api.updateSingleProperty({ ...property, fieldValuePair: { fax: "4" } }));
  await call("what was updated", () => api.retrieve({ ...property, select: ["fax", "jobtitle"] }));
  await call("deleteRecord of one property", () => api.deleteRecord({ ...property, property: "fax" }));
  await call("what was cleared", () => api.retrieve({ ...property, select: ["fax", "jobtitle"] }));

  const key = "emailaddress1='jean@example.com'";
  const jean = { subject: "Jean", lastname: "O'Neill" };
  const upserted = await call("upsert by an alternate key", () => api.upsert({ collection, key, data: jean }));
  await call("upsert again", () => api.upsert({ ...shown, key, data: { subject: "Jean II" } }));
  await call("upsert of what is there", () => api.upsert({ collection, key: made, data: jean, ifnonematch: "*" }));
  await call("upsert of what is not there", () => api.upsert({ collection, key: MISSING, data: jean, ifmatch: "*" }));
  await call("upsert by what is no key", () => api.upsert({ collection, key: "fax='1'", data: jean }));

  const campaigned = { collection, primaryKey: made, navigationProperty: "campaignid" };
  await call("associateSingleValued", () =>
    api.associateSingleValued({ ...campaigned, relatedCollection: "campaigns", relatedKey: campaign }),
  );
  await call("disassociateSingleValued", () => api.disassociateSingleValued(campaigned));
  await call("associate", () =>
    api.associate({ collection, primaryKey: made, relationshipName: "leadcompetitors_association", relatedCollection: "competitors", relatedKey: MISSING }),
  );

  const batched = async (fill, options) => {
    api.startBatch();
    fill();
    return api.executeBatch(options);
  };
  const changed = { collection, select: ["jobtitle"], filter: "subject eq 'Batch'", orderBy: ["jobtitle"] };
  const inBatch = (lastname) => {
    api.create({ collection, data: { subject: "Batch", lastname: "B" }, contentId: "1" });
    api.update({ contentId: "$1", data: { jobtitle: "Changed" } });
    api.create({ collection, data: { subject: "Batch", lastname } });
  };
  await call("executeBatch", () => batched(() => {
    inBatch("B");
    api.retrieveMultiple(changed);
    api.count({ collection });
  }));
  await call("executeBatch that fails as one", () => batched(() => inBatch("x".repeat(51))));
  await call("executeBatch continueOnError", () => batched(() => {
    api.retrieve({ collection, key: MISSING });
    api.retrieve(one);
  }, { continueOnError: true }));
  await call("what the batches changed", () => api.retrieveMultiple(changed));

  const name = "LogicalName='lead'";
  await call("retrieveEntity", () => api.retrieveEntity({ key: name, select: ["LogicalName", "EntitySetName"] }));
  await call("retrieveEntity with attributes", () =>
    api.retrieveEntity({ key: name, select: ["LogicalName"], expand: [{ property: "Attributes", select: ["LogicalName"] }] }),
  );
  const entities = { select: ["LogicalName", "EntitySetName"] };
  await call("retrieveEntities", () => api.retrieveEntities({ ...entities, filter: "LogicalName eq 'lead'" }));
  const PICKLIST = "Microsoft.Dynamics.CRM.PicklistAttributeMetadata";
  const STRING = "Microsoft.Dynamics.CRM.StringAttributeMetadata";
  await call("retrieveAttributes", () => api.retrieveAttributes({ entityKey: name, select: ["LogicalName", "AttributeType"] }));
  await call("retrieveAttributes castType", () =>
    api.retrieveAttributes({ entityKey: name, castType: STRING, select: ["LogicalName", "MaxLength"] }),
  );
  const source = { entityKey: name, attributeKey: "LogicalName='leadsourcecode'", castType: PICKLIST };
  await call("retrieveAttribute", () =>
    api.retrieveAttribute({ ...source, select: ["LogicalName"], expand: [{ property: "OptionSet" }, { property: "GlobalOptionSet" }] }),
  );
  await call("retrieveAttribute by its id", async () => {
    const { MetadataId } = await api.retrieveEntity({ key: name, select: ["LogicalName"] });
    return api.retrieveAttribute({ entityKey: MetadataId, attributeKey: "LogicalName='lastname'" });
  });
  await call("retrieveRelationships", () => api.retrieveRelationships({ filter: "SchemaName eq 'campaign_leads'" }));
  await call("retrieveRelationship", async () => {
    const { value } = await api.retrieveRelationships({ filter: "SchemaName eq 'campaign_leads'" });
    return api.retrieveRelationship({ key: value[0].MetadataId });
  });
  await call("retrieveGlobalOptionSets", () => api.retrieveGlobalOptionSets());
  await call("retrieveCsdlMetadata", () => api.retrieveCsdlMetadata());
  await call("createAttribute", () => api.createAttribute({ entityKey: name, data: { "@odata.type": STRING, SchemaName: "new_x" } }));
  const byName = new DynamicsWebApi({ ...config, useEntityNames: true });
  await call("retrieveMultiple useEntityNames", () => byName.retrieveMultiple({ collection: "lead", select: ["subject"], top: 1 }));
  await call("search", () => api.search("Ada"));

  await call("deleteRecord of another version", () => api.deleteRecord({ collection, key: made, ifmatch: 'W/"1"' }));
  await call("deleteRecord", () => api.deleteRecord({ collection, key: made }));
  await call("deleteRecord again", () => api.deleteRecord({ collection, key: made }));
  await call("deleteRecord by an alternate key", () => api.deleteRecord({ collection, key }));
  await call("what is left", () => api.count({ collection }));
  done.ids = { message: { made, second: second.leadid, many: many.Ids, upserted } };
  print();
}

main();
