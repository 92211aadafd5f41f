// SPDX-License-Identifier: MIT
//
// nginx, if it is installed, with its own configuration and files in a temporary
// directory. It does not count the bytes of a POST.
'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')

const { payload, NAMES } = require('./payload')

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
worker_rlimit_nofile ${descriptors()};
events { worker_connections 16384; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; ${temp}
  open_file_cache max=16;
  server {
    listen 127.0.0.1:${port} backlog=8192;
    root ${dir};
    location = /post { return 200 "ok"; }
  }
}
`
}

// The most that an unprivileged nginx may use.
function descriptors () {
  const line = /^Max open files\s+\S+\s+(\S+)/m.exec(fs.readFileSync('/proc/self/limits', 'utf8'))
  return line === null || line[1] === 'unlimited' ? 65536 : line[1]
}

module.exports = async function nginx () {
  if (spawnSync('nginx', ['-v']).error) throw new Error('--origin nginx: nginx is not installed')
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-bench-'))
  fs.chmodSync(dir, 0o755) // a worker of root's nginx is another user
  for (const name of NAMES) fs.writeFileSync(path.join(dir, name), payload(name))
  const port = await freePort()
  const file = path.join(dir, 'nginx.conf')
  fs.writeFileSync(file, config(dir, port))
  return {
    command: 'nginx',
    args: ['-p', dir, '-c', file],
    port,
    paths: { small: '/small', '1k': '/1k', '64k': '/64k', post: '/post' },
    answerToPost: () => Buffer.from('ok'),
    cleanUp: () => fs.rmSync(dir, { recursive: true, force: true })
  }
}
