// SPDX-License-Identifier: MIT
//
// npm run differential -- --count 20000 --seed 1: runs that many scripts, each with
// Node's Agent and with hawser's. --one SEED shows a single one.
'use strict'

const { parseArgs, inspect } = require('node:util')

const { compare, minimise } = require('./compare')
const { generate } = require('./generate')

const AT_ONCE = 24

// Node 20 delivers unrequested bytes to the next request, so there is nothing to
// compare with.
const [major] = process.versions.node.split('.').map(Number)
const surplus = major >= 22

// Runs `count` scripts from `seed` on, many at once, and those that differed once
// more alone. Resolves to { found, unstable }: the seeds that differ, and how many
// differed only while the machine was busy. onDone(done, found) after each.
async function runAll (seed, count, onDone = () => {}) {
  const suspects = []
  let next = seed
  let done = 0
  const worker = async () => {
    while (next < seed + count) {
      const mine = next++
      if (await compare(generate(mine, { surplus })) !== null) suspects.push(mine)
      onDone(++done, suspects.length)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const found = []
  for (const suspect of suspects) {
    const difference = await compare(generate(suspect, { surplus }))
    if (difference !== null && difference !== 'unstable') found.push(suspect)
  }
  return { found, unstable: suspects.length - found.length }
}

async function main () {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
      one: { type: 'string' }
    }
  })
  if (values.one !== undefined) return show(Number(values.one))
  const count = Number(values.count)
  const { found, unstable } = await runAll(Number(values.seed), count, (done, suspects) => {
    if (done % 500 === 0) process.stderr.write(`${done} scripts, ${suspects} to look at again\n`)
  })
  for (const seed of found.slice(0, 3)) await show(seed)
  if (found.length > 0) console.log(`seeds: ${found.slice(0, 40).join(' ')}`)
  console.log(`${count} scripts, ${found.length} differences, ${unstable} unstable`)
  if (found.length > 0) process.exitCode = 1
}

async function show (seed) {
  const script = generate(seed, { surplus })
  const difference = await compare(script)
  if (difference === null || difference === 'unstable') {
    return console.log(`seed ${seed}: ${difference ?? 'no difference'}`)
  }
  const small = await minimise(script)
  console.log(`seed ${seed}, minimised:`, inspect(small, { depth: null }))
  console.log(await compare(small))
}

if (require.main === module) main()

module.exports = { runAll }
