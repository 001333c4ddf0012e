// Express's hello world. With `graceful` it ends as it should on SIGTERM.
const express = require("express");

const app = express();

app.get("/", (request, response) => {
  response.send("Hello World!");
});

const server = app.listen(process.env.PORT, "127.0.0.1");

if (process.argv.includes("graceful")) {
  process.on("SIGTERM", () => server.close());
}
