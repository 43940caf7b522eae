"use strict";
// How a client's program tells what its calls returned or raised: by name, as JSON. As telling.py for Python.

// `raised` makes what is told of an error: by its class, its code and its text.
module.exports = function telling(raised) {
  const done = {};

  async function call(name, make) {
    try {
      const message = await make();
      done[name] = { message: message === undefined ? null : message };
      return message;
    } catch (error) {
      done[name] = raised(error);
      return undefined;
    }
  }

  return { done, call, print: () => console.log(JSON.stringify(done)) };
};
