// SPDX-License-Identifier: MIT
//
// CPU seconds from /proc, in ticks of 10 ms: of other processes, and of a whole
// core, which shows whether another process used it. NaN if there is no /proc.
'use strict'

const fs = require('node:fs')

const TICKS_PER_SECOND = 100 // USER_HZ, the unit of /proc/PID/stat and /proc/stat

function read (file) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return null // no /proc, or the process has ended: the caller gets NaN
  }
}

function ofProcesses (pids) {
  let ticks = 0
  for (const pid of pids) {
    const stat = read(`/proc/${pid}/stat`)
    if (stat === null) return NaN
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    ticks += Number(fields[11]) + Number(fields[12]) // utime, stime
  }
  return ticks / TICKS_PER_SECOND
}

// A process and its children, such as the worker of nginx.
function withChildren (pid) {
  const children = read(`/proc/${pid}/task/${pid}/children`) ?? ''
  return [pid, ...children.split(' ').filter(Boolean).map(Number)]
}

// The time that a core was used, and the time that the hypervisor took from it.
function ofCore (core) {
  const line = read('/proc/stat')?.split('\n').find((one) => one.startsWith(`cpu${core} `))
  if (line === undefined) return NaN
  const [user, nice, system, , , irq, softirq, steal] = line.split(/\s+/).slice(1).map(Number)
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND
}

module.exports = { ofProcesses, withChildren, ofCore }
