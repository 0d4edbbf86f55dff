// apps_visit.js - plays one person's visit to an application, in a headless Chromium of their own.
//
//     node apps_visit.js SCENE CHROMIUM PROFILE_FOLDER URL SECRET NUMBER
//
// SCENE is a file beside this one that has visit(page, { url, secret, number }): what the person does on
// browser.js's page. The profile is a fresh one for each visit.
'use strict';
const path = require('path');
const { Browser } = require('./browser.js');

const [scene, executable, folder, url, secret, number] = process.argv.slice(2);

(async () => {
    const { visit } = require(path.resolve(__dirname, scene));
    const browser = await Browser.open(executable, folder);
    try {
        await visit(await browser.page(), { url, secret, number });
    } finally {
        await browser.close();
    }
})().catch((error) => {
    console.error(`${scene}: ${error.message}`);
    process.exit(1);
});
