// SPDX-License-Identifier: MIT
//
// node scripts/layers.js, and part of `npm run lint`: no file of src/ and lib/
// includes or requires one above it. The order is in the block "layers" of
// docs/architecture.md and nowhere else:
//
//   A line names files of one level. They may use everything below, and each other
//   if that makes no cycle.
//   `pool` stands for those of src/pool.c, pool.h and pool.cc that exist; a name with
//   an extension is that file, in lib/ for the extensions of JavaScript and types.
//   A line of dashes forbids the system headers it names in all files below it.
'use strict'

const fs = require('node:fs')
const path = require('node:path')

const ROOT = path.join(__dirname, '..')
const PICTURE = path.join(ROOT, 'docs', 'architecture.md')

const USED = {
  src: /^\s*#\s*include\s+"([^"]+)"/gm,
  lib: /(?:\brequire\(|\bfrom |\bimport |\bimport\()['"]\.\/([^'"]+)['"]/g
}
const SYSTEM = /^\s*#\s*include\s+(<[^>]+>)/gm

const found = (text, pattern) => Array.from(text.matchAll(pattern), ([, name]) => name)

// The files that a name in the picture stands for.
function named (name, all) {
  const ending = path.extname(name)
  if (ending === '') return ['c', 'cc', 'h'].map((one) => `src/${name}.${one}`).filter((file) => all.has(file))
  return [`${/\.(m?js|d\.ts)$/.test(name) ? 'lib' : 'src'}/${name}`].filter((file) => all.has(file))
}

// Result: for each file its line and the headers that it must not include.
function places (picture, all, complain) {
  const result = new Map()
  let forbidden = []
  for (const [line, text] of picture.split('\n').entries()) {
    if (text.startsWith('--')) {
      forbidden = [...forbidden, ...text.match(/<[^>]+>/g) ?? []]
      continue
    }
    for (const name of text.split(/\s+/).filter(Boolean)) {
      const files = named(name, all)
      if (files.length === 0) complain(`${name} is in the picture and is no file`)
      for (const file of files) {
        if (result.has(file)) complain(`${file} is twice in the picture`)
        result.set(file, { line, forbidden })
      }
    }
  }
  for (const file of all.keys()) {
    if (!result.has(file)) complain(`${file} is not in the picture`)
  }
  return result
}

// The files of the repository that a file includes or requires.
function used (file, text, all) {
  const dir = path.dirname(file)
  return found(text, USED[dir]).map((name) =>
    [name, `${name}.js`].map((one) => `${dir}/${one}`).find((one) => all.has(one)) ?? `${dir}/${name}`)
}

// A file that reaches itself along `edges`, which are within one line.
function isInCircle (start, edges) {
  const seen = new Set()
  const open = [...edges.get(start) ?? []]
  while (open.length > 0) {
    const file = open.pop()
    if (file === start) return true
    if (!seen.has(file)) open.push(...edges.get(file) ?? [])
    seen.add(file)
  }
  return false
}

// picture: the block's text; all: a Map of each file's text by its name, such as
// src/pool.c. Result: the violations, one sentence each.
function violations (picture, all) {
  const wrong = []
  const complain = (text) => { wrong.push(text) }
  const place = places(picture, all, complain)
  const beside = new Map()
  for (const [file, text] of all) {
    if (!place.has(file)) continue
    const { line, forbidden } = place.get(file)
    for (const other of used(file, text, all)) {
      if (!all.has(other)) complain(`${file} uses ${other}, which is no file`)
      else if (place.get(other)?.line < line) complain(`${file} uses ${other}, which is above it`)
      else if (place.get(other)?.line === line) beside.set(file, [...beside.get(file) ?? [], other])
    }
    for (const header of found(text, SYSTEM)) {
      if (forbidden.includes(header)) complain(`${file} includes ${header}`)
    }
  }
  for (const file of beside.keys()) {
    if (isInCircle(file, beside)) complain(`${file} is part of a circle in its line`)
  }
  return wrong
}

function check () {
  const block = /^```layers\n(.*?)^```$/ms.exec(fs.readFileSync(PICTURE, 'utf8'))
  if (block === null) return ['docs/architecture.md has no block "layers"']
  const all = new Map(['src', 'lib'].flatMap((dir) =>
    fs.readdirSync(path.join(ROOT, dir)).map((name) =>
      [`${dir}/${name}`, fs.readFileSync(path.join(ROOT, dir, name), 'utf8')])))
  return violations(block[1], all)
}

module.exports = { violations, check }

if (require.main === module) {
  const wrong = check()
  for (const text of wrong) console.log(text)
  process.exitCode = wrong.length === 0 ? 0 : 1
}
