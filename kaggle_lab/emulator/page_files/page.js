// Forms and buttons call the control API, parts that live are renewed, and a log is followed.
'use strict';

const answer = document.querySelector('#answer');

async function control(path, method, body) {
  const response = await fetch(`/_emu/${path}`, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: method === 'POST' ? JSON.stringify(body) : undefined
  });
  const said = await response.json();
  if (!response.ok) {
    throw new Error(said.error || `HTTP ${response.status}`);
  }
}

// Numbers are sent as numbers, ticked boxes as true; what was left empty is not sent.
function valuesOf(form) {
  const values = {};
  for (const field of form.elements) {
    if (!field.name || field.value === '' || (field.type === 'checkbox' && !field.checked)) {
      continue;
    }
    const isNumber = field.type === 'number' || field.dataset.kind === 'number';
    values[field.name] = field.type === 'checkbox' ? true : isNumber ? Number(field.value) : field.value;
  }
  return values;
}

// {"name": "settings-name", "value": "3"} is meant as {"settings-name": 3}.
function asSetting(values) {
  let value = values.value ?? '';
  try {
    value = JSON.parse(value);
  } catch {
    // a word
  }
  return { [values.name]: value };
}

document.addEventListener('submit', async event => {
  const form = event.target;
  event.preventDefault();
  if (form.dataset.ask && !window.confirm(form.dataset.ask)) {
    return;
  }
  const values = form.dataset.control === 'settings' ? asSetting(valuesOf(form)) : valuesOf(form);
  try {
    await control(form.dataset.control, form.dataset.method || 'POST', values);
    answer.textContent = 'Done.';
    await renew();
  } catch (error) {
    answer.textContent = `Not done: ${error.message}`;
  }
});

async function renew() {
  const response = await fetch(location.href);
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
  for (const part of document.querySelectorAll('[data-live]')) {
    const other = fresh.getElementById(part.id);
    if (other && skeleton(other) !== skeleton(part) && !part.contains(document.activeElement)) {
      for (const log of part.querySelectorAll('[data-follow]')) {
        other.querySelector(`[data-follow="${CSS.escape(log.dataset.follow)}"]`)?.replaceWith(log);
      }
      part.replaceChildren(...other.childNodes);
    }
  }
}

// A part without what has come into its logs since.
function skeleton(part) {
  const copy = part.cloneNode(true);
  for (const log of copy.querySelectorAll('[data-follow]')) {
    log.textContent = '';
  }
  return copy.innerHTML;
}

async function follow(log) {
  let after = Number(log.dataset.after);
  for (;;) {
    const response = await fetch(`${log.dataset.follow}?after=${after}`);
    if (!response.ok) {
      return;
    }
    const news = await response.json();
    const isAtEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
    log.append(news.text);
    after = news.after;
    if (isAtEnd) {
      log.scrollTop = log.scrollHeight;
    }
    if (news.is_over && !news.text) {
      await renew();
      return;
    }
    await new Promise(resolve => setTimeout(resolve, news.text ? 300 : 1000));
  }
}

const following = new Set();

function followAll() {
  for (const log of document.querySelectorAll('[data-follow]')) {
    if (!following.has(log)) {
      following.add(log);
      void follow(log).catch(() => undefined);
    }
  }
}

followAll();
if (document.querySelector('[data-live]')) {
  setInterval(() => {
    if (!document.hidden) {
      void renew().then(followAll, () => undefined);
    }
  }, 2000);
}
