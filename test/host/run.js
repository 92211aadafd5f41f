// SPDX-License-Identifier: MIT
'use strict'

require('../build/Release/host_test.node')
