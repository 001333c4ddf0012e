// A server on Node's own http. With `graceful` it ends as it should on SIGTERM.
const http = require("node:http");

const server = http.createServer((request, response) => {
  response.setHeader("Content-Type", "text/plain");
  response.end("Hello, World!\n");
});

server.listen(process.env.PORT, "127.0.0.1");

if (process.argv.includes("graceful")) {
  process.on("SIGTERM", () => server.close());
}
