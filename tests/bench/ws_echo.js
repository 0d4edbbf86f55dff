// ws_echo.js - an echo server for ws_connections.sh, with the `ws` package: PORT on the command line.
// At SIGTERM it prints what it saw: the most connections at once, messages, CPU seconds.
'use strict';
const { WebSocketServer } = require('ws');

let open = 0, most = 0, messages = 0;
const server = new WebSocketServer(
    { host: '127.0.0.1', port: Number(process.argv[2]), backlog: 4096, perMessageDeflate: false });
server.on('connection', (socket) => {
    if (++open > most) most = open;
    socket.on('message', (data, isBinary) => {
        messages++;
        socket.send(data, { binary: isBinary });
    });
    socket.on('close', () => open--);
    socket.on('error', () => {});
});
process.on('SIGTERM', () => {
    const cpu = process.cpuUsage();
    console.log(`${most} ${messages} ${(cpu.user + cpu.system) / 1e6}`);
    process.exit(0);
});
