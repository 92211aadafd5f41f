// SPDX-License-Identifier: MIT
//
// Against a real nginx, where it is installed: it counts the requests of a
// connection itself.
'use strict'

const assert = require('node:assert/strict')
const { spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { request, freed } = require('../support/request')

const missing = spawnSync('nginx', ['-v']).error ? 'nginx is not installed' : false

async function freePort () {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

// nginx on its own port, with its own directory, which is removed with it.
async function startNginx (t, server) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-nginx-'))
  fs.chmodSync(dir, 0o755)
  fs.writeFileSync(path.join(dir, '64k'), 'x'.repeat(65536))
  const port = await freePort()
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${dir}/${name};`).join(' ')
  fs.writeFileSync(path.join(dir, 'nginx.conf'), `daemon off; worker_processes 1;
pid ${dir}/pid; error_log ${dir}/error.log;
events { worker_connections 1024; }
http { access_log off; ${temp} server { listen 127.0.0.1:${port}; root ${dir}; ${server} } }`)
  // Not under a sanitizer that is preloaded for Node (npm run test:asan).
  const env = { ...process.env, LD_PRELOAD: '' }
  const child = spawn('nginx', ['-p', dir, '-c', path.join(dir, 'nginx.conf')],
    { stdio: 'ignore', env })
  t.after(async () => {
    const gone = once(child, 'exit')
    child.kill()
    await gone
    fs.rmSync(dir, { recursive: true })
  })
  for (;;) {
    const socket = net.connect(port, '127.0.0.1')
    // Before nginx listens there, a socket may even connect to itself.
    const connected = await once(socket, 'connect')
      .then(() => socket.localPort !== port, () => false)
    socket.destroy()
    if (connected) return port
  }
}

test('one connection serves a thousand requests, and nginx counts them', { skip: missing }, async (t) => {
  const port = await startNginx(t,
    'keepalive_requests 100000; location = /n { return 200 "$connection_requests"; }')
  const agent = new Agent({ maxSockets: 1 })
  t.after(() => agent.destroy())
  for (let i = 1; i <= 1000; i++) {
    const free = freed(agent)
    const { req, body } = await request({ port, agent, path: '/n' })
    assert.equal(Number(body), i)
    assert.equal(req.reusedSocket, i > 1)
    await free
  }
})

test('files, HEAD, 404 and a POST that is refused, over the same connections', { skip: missing }, async (t) => {
  const port = await startNginx(t, '')
  const agent = new Agent({ maxSockets: 4 })
  t.after(() => agent.destroy())
  for (let i = 0; i < 50; i++) {
    const [file, head, none, post] = await Promise.all([
      request({ port, agent, path: '/64k' }),
      request({ port, agent, path: '/64k', method: 'HEAD' }),
      request({ port, agent, path: '/none' }),
      request({ port, agent, path: '/64k', method: 'POST' }, Buffer.alloc(10000))
    ])
    assert.equal(file.body.length, 65536)
    assert.equal(head.res.headers['content-length'], '65536')
    assert.equal(head.body.length, 0)
    assert.equal(none.res.statusCode, 404)
    assert.equal(post.res.statusCode, 405)
  }
})

test('keepalive_requests of nginx is honoured without a failed request', { skip: missing }, async (t) => {
  const port = await startNginx(t,
    'keepalive_requests 3; location = /n { return 200 "$connection_requests"; }')
  const agent = new Agent({ maxSockets: 2 })
  t.after(() => agent.destroy())
  const all = await Promise.all(Array.from({ length: 200 }, () => request({ port, agent, path: '/n' })))
  assert.ok(all.every(({ body }) => Number(body) <= 3))
})
