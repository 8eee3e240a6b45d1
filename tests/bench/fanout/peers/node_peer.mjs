// Node `ws`: what /publish receives is sent on to every other connection, message for message.
import { WebSocketServer, WebSocket } from "ws";

const server = new WebSocketServer({ port: Number(process.argv[2]), host: "127.0.0.1", perMessageDeflate: false });
const screens = new Set();
server.on("connection", (socket, request) => {
  socket.on("error", () => {});
  if (request.url === "/publish") {
    socket.on("message", (data) => {
      for (const screen of screens) if (screen.readyState === WebSocket.OPEN) screen.send(data, { binary: false });
    });
    return;
  }
  screens.add(socket);
  socket.on("close", () => screens.delete(socket));
});
