// apps_node_red.js - one person's visit to Node-RED's editor (played by apps_visit.js).
//
// Logs in by the form, builds a flow of three nodes, deploys it, has it run (the debug message comes over
// the WebSocket), changes it, deploys again and logs out.
'use strict';

const flow_of = (number) => [
    { id: 'a', type: 'inject', z: '', name: `start ${number}`, props: [{ p: 'payload' }], repeat: '', once: false, topic: '',
        payload: String(number), payloadType: 'num', x: 140, y: 120, wires: [['b']] },
    { id: 'b', type: 'function', z: '', name: 'twice', func: 'msg.payload *= 2;\nreturn msg;', outputs: 1, x: 320, y: 120, wires: [['c']] },
    { id: 'c', type: 'debug', z: '', name: `seen ${number}`, active: true, tosidebar: true, complete: 'payload', targetType: 'msg',
        x: 500, y: 120, wires: [] }];

async function deploy(page) {
    await page.until('RED.nodes.dirty()');
    await page.click('#red-ui-header-button-deploy');
    // Somebody else may have deployed meanwhile: then as a person would, ours goes on top.
    await page.until('!RED.nodes.dirty()');
    await page.quiet();
}

async function visit(page, { url, secret, number }) {
    await page.go(`${url}/`);
    await page.type('#node-dialog-login-username', 'admin');
    await page.type('#node-dialog-login-password', secret);
    await page.click('#node-dialog-login-submit');
    await page.until('window.RED && RED.nodes && RED.workspaces && RED.workspaces.active() && !document.querySelector("#red-ui-loading-progress")?.checkVisibility()');
    await page.quiet(1000);

    await page.run(`RED.view.importNodes(${JSON.stringify(flow_of(number))}, {generateIds: true, addFlow: true, touchImport: true, applyNodeDefaults: true}); RED.nodes.dirty(true)`);
    await deploy(page);
    const inject = `RED.nodes.filterNodes({type: "inject"}).find((node) => node.name === "start ${number}")`;
    await page.run(`(() => { const node = ${inject}; node._def.button.onclick.call(node); })()`);
    await page.until(`document.querySelector(".red-ui-debug-msg")`);
    await page.run(`(() => { const node = ${inject}; node.payload = "${number}0"; node.changed = true; RED.nodes.dirty(true); })()`);
    await deploy(page);
    await page.run('RED.user.logout()');
    await page.until('document.querySelector("#node-dialog-login-username")');
    await page.quiet();
}

module.exports = { visit };
