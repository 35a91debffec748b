// Requests and responses are checked against zod schemas at run time.
export default {
  input: process.env.DOCUMENT,
  output: "generated",
  plugins: ["@hey-api/client-fetch", "@hey-api/typescript", "zod", { name: "@hey-api/sdk", validator: "zod" }],
};
