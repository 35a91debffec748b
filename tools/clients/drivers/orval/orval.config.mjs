// Models are zod schemas, with which callers parse responses.
export default {
  api: {
    input: process.env.DOCUMENT,
    output: {
      target: "./generated/client.ts",
      schemas: { path: "./generated/models", type: "zod" },
      client: "fetch",
      baseUrl: { runtime: "process.env.BASE_URL" },
    },
  },
};
