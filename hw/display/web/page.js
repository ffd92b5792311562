// SPDX-License-Identifier: GPL-2.0-or-later
// The screen by noVNC, and what the translator does, twice a second.
import RFB from '/novnc/core/rfb.js';

const token = new URLSearchParams(location.search).get('token');
const query = '?token=' + encodeURIComponent(token);
const byId = (id) => document.getElementById(id);

// ---- Screen ----

let rfb = null;

function say(text) {
    byId('status').textContent = text;
}

function connect() {
    const scheme = location.protocol === 'https:' ? 'wss://' : 'ws://';
    rfb = new RFB(byId('screen'), scheme + location.host + '/websockify' + query,
                  { wsProtocols: ['binary'] });
    rfb.addEventListener('connect', () => { say('connected'); rfb.focus(); });
    rfb.addEventListener('disconnect', () => { say('not connected'); setTimeout(connect, 2000); });
    rfb.addEventListener('credentialsrequired',
                         () => rfb.sendCredentials({ password: prompt('Password') }));
    rfb.addEventListener('desktopname', (event) => { document.title = event.detail.name; });
}

byId('cad').onclick = () => { rfb.sendCtrlAltDel(); rfb.focus(); };
byId('full').onclick = () => byId('screen').requestFullscreen();

// ---- Figures ----

// What is counted becomes a rate; what is a state is shown as it is.
const boxes = new Map();
let before = null;

function box(name) {
    if (!boxes.has(name)) {
        const element = document.createElement('div');
        element.className = 'figure';
        element.innerHTML = '<div class="name"></div><div class="value"></div>' +
                            '<canvas width="200" height="28"></canvas>';
        element.querySelector('.name').textContent = name;
        byId('figures').appendChild(element);
        boxes.set(name, { element, history: [] });
    }
    return boxes.get(name);
}

function short(value) {
    for (const [unit, size] of [['G', 1e9], ['M', 1e6], ['k', 1e3]]) {
        if (Math.abs(value) >= size) {
            return (value / size).toFixed(1) + ' ' + unit;
        }
    }
    return value.toFixed(value < 10 && value % 1 ? 1 : 0);
}

function draw({ element, history }) {
    const canvas = element.querySelector('canvas');
    const context = canvas.getContext('2d');
    const most = Math.max(...history, 1e-9);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.strokeStyle = '#5aa9e6';
    context.beginPath();
    history.forEach((value, i) => context.lineTo(i * 2, canvas.height - 1 -
                                                        value / most * (canvas.height - 2)));
    context.stroke();
}

function show(name, value, unit) {
    const shown = box(name);
    shown.element.querySelector('.value').textContent = short(value) + unit;
    shown.history.push(value);
    shown.history.splice(0, shown.history.length - 100);
    draw(shown);
}

async function poll() {
    try {
        const now = await (await fetch('/figures' + query)).json();
        const seconds = before ? (now.ns - before.ns) / 1e9 : 0;
        for (const [name, value] of Object.entries(now.states)) {
            show(name, value, '');
        }
        for (const [name, value] of Object.entries(now.counts)) {
            if (seconds > 0) {
                show(name, (value - before.counts[name]) / seconds, '/s');
            }
        }
        before = now;
    } catch (error) {
        before = null;
    }
    setTimeout(poll, 500);
}

connect();
poll();
