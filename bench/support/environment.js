// SPDX-License-Identifier: MIT
//
// Where the figures were measured, for the header and the raw samples.
'use strict'

const os = require('node:os')

const { note } = require('./pin')

function environment (origin, versions) {
  return {
    date: new Date().toISOString(),
    node: process.version,
    uv: process.versions.uv,
    llhttp: process.versions.llhttp,
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.availableParallelism(),
    memoryMiB: Math.round(os.totalmem() / 2 ** 20),
    kernel: `${os.type()} ${os.release()} ${os.arch()}`,
    origin,
    pinning: note,
    versions
  }
}

function header (info) {
  const versions = Object.entries(info.versions).map(([name, text]) => `${name} ${text}`).join(', ')
  return `Node ${info.node}, ${info.cpu}, ${info.cores} cores, ${info.kernel}\n` +
    `origin ${info.origin}; ${info.pinning}\n${versions}`
}

module.exports = { environment, header }
