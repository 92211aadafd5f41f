// SPDX-License-Identifier: MIT
//
// npm run differential -- --count 20000 --seed 1: that many scripts, each with
// Node's Agent and with ours. --one SEED shows a single one.
'use strict'

const { parseArgs, inspect } = require('node:util')

const { compare, minimise } = require('./compare')
const { generate } = require('./generate')

const AT_ONCE = 24

// Node 20 hands bytes that nobody asked for to the next request, and so has
// nothing to compare with there.
const [major] = process.versions.node.split('.').map(Number)
const surplus = major >= 22

// Runs `count` scripts from `seed` on. onDone(seed, difference) for each.
async function runAll (seed, count, onDone) {
  let next = seed
  const worker = async () => {
    while (next < seed + count) {
      const mine = next++
      onDone(mine, await compare(generate(mine, { surplus })))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
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
  const found = []
  let done = 0
  let unstable = 0
  await runAll(Number(values.seed), Number(values.count), (seed, difference) => {
    done++
    if (difference === 'unstable') unstable++
    else if (difference !== null) found.push(seed)
    if (done % 500 === 0) {
      process.stderr.write(`${done} scripts, ${found.length} differences, ${unstable} unstable\n`)
    }
  })
  for (const seed of found.slice(0, 3)) await show(seed)
  if (found.length > 0) console.log(`seeds: ${found.slice(0, 40).join(' ')}`)
  console.log(`${done} scripts, ${found.length} differences, ${unstable} unstable`)
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
