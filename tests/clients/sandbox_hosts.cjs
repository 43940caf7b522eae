"use strict";
// Leads the production host names of the vendors to the sandbox at port SANDBOX_PORT (node --require).

const tls = require("node:tls");

const names = [".dynamics.com", ".microsoftonline.com", ".salesforce.com"];
const port = Number(process.env.SANDBOX_PORT);
const connect = tls.connect;

tls.connect = function (options, ...rest) {
  const host = typeof options === "object" ? options.servername || options.host || "" : "";
  if (!names.some((name) => host.endsWith(name))) return connect.call(this, options, ...rest);
  return connect.call(this, { ...options, host: "127.0.0.1", port, servername: host, path: null }, ...rest);
};
