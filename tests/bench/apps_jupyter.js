// apps_jupyter.js - one person's visit to Jupyter Notebook, by its own pages (played by apps_visit.js).
//
// Logs in by the form, makes a notebook, runs two cells in its kernel, saves, sets a checkpoint, shuts the
// kernel down, looks at the list and logs out. The number is in the code that it runs; all else that differs
// between two visits was handed out by the server or made up by its pages.
'use strict';

async function visit(page, { url, secret, number }) {
    await page.go(`${url}/tree`);
    await page.type('#password_input', secret);
    await page.click('#login_submit');
    await page.until('window.Jupyter && Jupyter.notebook_list && document.querySelector("#notebook_list .list_header, #notebook_list .list_item, #notebook_list_header")');
    await page.quiet();

    // What the menu New > Python 3 does, in this tab instead of another one.
    const made = await page.run('Jupyter.notebook_list.contents.new_untitled("", {type: "notebook"}).then((made) => made.path)');
    await page.go(`${url}/notebooks/${encodeURIComponent(made)}?kernel_name=python3`);
    await page.until('window.Jupyter && Jupyter.notebook && Jupyter.notebook.kernel && Jupyter.notebook.kernel.is_connected()');
    await page.until('Jupyter.notebook._fully_loaded && Jupyter.notebook.kernel.info_reply.protocol_version');
    for (const code of [`visit = ${number}\nprint(visit * 1000)`, 'sum(range(visit + 10))']) {
        await page.run(`(() => { const cell = Jupyter.notebook.insert_cell_at_bottom("code");
            cell.set_text(${JSON.stringify(code)}); cell.execute(); })()`);
        await page.until('(() => { const cell = Jupyter.notebook.get_cells().at(-1); return typeof cell.input_prompt_number === "number" && cell.output_area.outputs.length; })()');
    }
    await page.run('Jupyter.notebook.save_notebook()');
    await page.run('Jupyter.notebook.save_checkpoint()');
    await page.until('Jupyter.notebook.last_checkpoint');
    await page.quiet();
    await page.run('new Promise((done) => Jupyter.notebook.session.delete(done, done))');
    await page.quiet();

    await page.go(`${url}/tree`);
    await page.until('document.querySelectorAll("#notebook_list .list_item .item_name").length > 0');
    await page.quiet();
    await page.click('#logout');
    await page.until('document.querySelector("#logout_form, a[href*=login], .alert, #ipython_main_app, #login_widget")');
    await page.quiet();
}

module.exports = { visit };
