// browser.js - a headless Chromium with a profile of its own, told what to do over its DevTools pipe.
//
//     const browser = await Browser.open(executable, folder);    // folder: its fresh profile
//     const page = await browser.page();
//     await page.go(url);
//     await page.until('document.querySelector("#name")');       // an expression, until it is true
//     const value = await page.run('someFunction()');            // as JSON; a promise is awaited
//     await page.type('#name', 'alice'); await page.click('#save');
//     await browser.close();
//
// Nothing but loopback is reached: every other name and address is told not to exist.
'use strict';
const { spawn } = require('child_process');

const PATIENCE_MS = 60000;
const FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
    '--no-default-browser-check', '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--disable-default-apps', '--disable-extensions', '--disable-client-side-phishing-detection',
    '--disable-features=Translate,OptimizationHints,MediaRouter,HttpsUpgrades', '--metrics-recording-only',
    '--password-store=basic', '--use-mock-keychain', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    '--window-size=1280,900', '--remote-debugging-pipe'];

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

class Browser {
    static async open(executable, folder) {
        const browser = new Browser();
        browser.waiting = new Map();
        browser.sessions = new Map();
        browser.last = 0;
        browser.talk = '';
        browser.process = spawn(executable, [...FLAGS, `--user-data-dir=${folder}`, 'about:blank'],
            { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] });
        browser.process.stderr.on('data', (data) => { browser.talk = (browser.talk + data).slice(-2000); });
        browser.ended = new Promise((done) => browser.process.on('exit', done));
        browser.ended.then(() => browser.lose(`the browser ended: ${browser.talk}`));
        let rest = Buffer.alloc(0);
        browser.process.stdio[4].on('data', (data) => {
            rest = Buffer.concat([rest, data]);
            for (let end; (end = rest.indexOf(0)) >= 0; rest = rest.subarray(end + 1))
                browser.hear(JSON.parse(rest.subarray(0, end).toString()));
        });
        return browser;
    }

    lose(why) {
        for (const { fail } of this.waiting.values()) fail(new Error(why));
        this.waiting.clear();
    }

    hear(message) {
        const waiting = this.waiting.get(message.id);
        if (waiting) {
            this.waiting.delete(message.id);
            if (message.error) waiting.fail(new Error(message.error.message));
            else waiting.done(message.result);
        } else if (message.sessionId && this.sessions.has(message.sessionId)) {
            this.sessions.get(message.sessionId)(message);
        }
    }

    ask(method, params, sessionId) {
        const id = ++this.last;
        return new Promise((done, fail) => {
            this.waiting.set(id, { done, fail });
            this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
        });
    }

    async page() {
        const { targetId } = await this.ask('Target.createTarget', { url: 'about:blank' });
        const { sessionId } = await this.ask('Target.attachToTarget', { targetId, flatten: true });
        const page = new Page(this, sessionId);
        for (const domain of ['Page', 'Runtime', 'Network']) await page.ask(`${domain}.enable`);
        return page;
    }

    async close() {
        this.ask('Browser.close').catch(() => {});
        const late = setTimeout(() => this.process.kill('SIGKILL'), 10000);
        await this.ended;
        clearTimeout(late);
    }
}

class Page {
    constructor(browser, sessionId) {
        this.browser = browser;
        this.sessionId = sessionId;
        this.open = new Set();
        this.quietSince = Date.now();
        browser.sessions.set(sessionId, (message) => this.hear(message));
    }

    // Which requests are under way; and a dialog ("leave this page?") is answered with yes.
    hear({ method, params }) {
        if (method === 'Network.requestWillBeSent') this.open.add(params.requestId);
        else if (method === 'Network.loadingFinished' || method === 'Network.loadingFailed') this.open.delete(params.requestId);
        else if (method === 'Page.javascriptDialogOpening') this.ask('Page.handleJavaScriptDialog', { accept: true }).catch(() => {});
        else return;
        this.quietSince = Date.now();
    }

    ask(method, params) { return this.browser.ask(method, params, this.sessionId); }

    async go(url) {
        const { errorText } = await this.ask('Page.navigate', { url });
        if (errorText) throw new Error(`${url}: ${errorText}`);
    }

    async run(expression) {
        const { result, exceptionDetails } = await this.ask('Runtime.evaluate',
            { expression, awaitPromise: true, returnByValue: true, userGesture: true });
        if (exceptionDetails)
            throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
        return result.value;
    }

    // A page that is just being left has no context to ask: asked again in the next one.
    async until(expression) {
        const end = Date.now() + PATIENCE_MS;
        for (let last = ''; ;) {
            try {
                if (await this.run(`Boolean(${expression})`)) return;
            } catch (error) {
                last = error.message;
            }
            if (Date.now() > end) {
                const seen = await this.run('location.href + " " + document.body.innerText.replace(/\\s+/g, " ").slice(0, 200)').catch(() => '');
                throw new Error(`waited in vain for ${expression} ${last}; the page: ${seen}`);
            }
            await pause(50);
        }
    }

    // Until nothing has been asked and nothing answered for a while.
    async quiet(ms = 500) {
        const end = Date.now() + PATIENCE_MS;
        while ((this.open.size > 0 || Date.now() - this.quietSince < ms) && Date.now() < end) await pause(50);
    }

    async click(selector) {
        await this.until(`document.querySelector(${JSON.stringify(selector)})`);
        await this.run(`document.querySelector(${JSON.stringify(selector)}).click()`);
    }

    // The page's own listeners hear of it, as they do of keys.
    async type(selector, text) {
        await this.until(`document.readyState === "complete" && document.querySelector(${JSON.stringify(selector)})`);
        await this.run(`(() => {
            const field = document.querySelector(${JSON.stringify(selector)});
            field.value = ${JSON.stringify(text)};
            for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, { bubbles: true }));
        })()`);
    }
}

module.exports = { Browser };
