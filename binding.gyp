{
  "variables": {
    # Developers' switches; a user's install leaves them all off.
    "hawser_werror%": 0,
    "hawser_sanitize%": "",
  },
  "target_defaults": {
    "defines": ["_GNU_SOURCE", "NAPI_VERSION=9", "NAPI_DISABLE_CPP_EXCEPTIONS"],
    "include_dirs": ["src"],
    # Node's own build settings ask for -O3 and for warnings that its headers
    # do not pass; these are ours.
    "cflags": ["-fvisibility=hidden", "-Wall", "-Wextra"],
    "cflags!": ["-Wno-unused-parameter"],
    # Not for C++: node-addon-api's headers do not pass them.
    "cflags_c": ["-std=c11", "-Wpedantic", "-Wshadow", "-Wconversion"],
    "conditions": [
      ["hawser_werror==1", {"cflags": ["-Werror"]}],
      ["hawser_sanitize!=''", {
        "cflags": ["-fsanitize=<(hawser_sanitize)", "-fno-omit-frame-pointer", "-g", "-O1"],
        "ldflags": ["-fsanitize=<(hawser_sanitize)"],
      }],
    ],
  },
  "targets": [
    {
      # No uv.h, no N-API: what the C unit tests link without Node.
      "target_name": "hawser_pure",
      "type": "static_library",
      "standalone_static_library": 0,
      "sources": [
        "src/mem.c",
        "src/table.c",
        "src/deadline.c",
        "src/ids.c",
        "src/pool.c",
        "src/ring.c",
        "src/slab.c",
      ],
    },
    {
      "target_name": "hawser_core",
      "type": "static_library",
      "dependencies": ["hawser_pure"],
      "sources": [
        "src/http1.c",
        "src/selfcheck.c",
        "src/exchange.c",
        "src/socket.c",
        "src/dial.c",
        "src/stream.c",
        "src/plain.c",
        "src/conn.c",
        "src/lease.c",
        "src/loop.c",
      ],
    },
    {
      "target_name": "hawser",
      "dependencies": ["hawser_core", "hawser_pure"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "sources": ["src/binding.cc", "src/binding-pool.cc", "src/binding-conn.cc", "src/env.cc"],
      # A host without libuv (Deno) fails to load it, which can be caught, where
      # it would end in the first call. llhttp's symbols are weak and may lack.
      "ldflags": ["-Wl,-z,now"],
    },
  ],
}
