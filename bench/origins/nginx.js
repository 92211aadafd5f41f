// SPDX-License-Identifier: MIT
//
// nginx, where it is installed, with a configuration of its own.
'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')

function freePort () {
  return new Promise((resolve, reject) => {
    const server = net.createServer().on('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

function config (dir, port) {
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${dir}/${name};`).join(' ')
  return `worker_processes 1; daemon off; pid ${dir}/pid; error_log ${dir}/error.log crit;
worker_rlimit_nofile 65536;
events { worker_connections 32768; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; ${temp}
  server {
    listen 127.0.0.1:${port} backlog=8192;
    root ${dir};
    location = /11 { return 200 "xxxxxxxxxxx"; }
    location = / { return 200 "xxxxxxxxxxx"; }
  }
}
`
}

module.exports = async function nginx () {
  if (spawnSync('nginx', ['-v']).error) throw new Error('--origin nginx: nginx is not installed')
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-bench-'))
  fs.chmodSync(dir, 0o755)
  fs.writeFileSync(path.join(dir, '1k'), 'x'.repeat(1024))
  fs.writeFileSync(path.join(dir, '64k'), 'x'.repeat(65536))
  const port = await freePort()
  const file = path.join(dir, 'nginx.conf')
  fs.writeFileSync(file, config(dir, port))
  return {
    command: 'nginx',
    args: ['-p', dir, '-c', file],
    port,
    paths: { small: '/11', '1k': '/1k', '64k': '/64k', post: '/' },
    cleanUp: () => fs.rmSync(dir, { recursive: true, force: true })
  }
}
