# The build of the tests, in test/build: the libraries of ../binding.gyp, its addon
# (for the warnings, and for the sanitizers), and the C tests. What `npm install`
# built in build/ is not touched.
{
  "includes": ["../binding.gyp"],
  "targets": [
    {
      # Links the pure archive without Node: a file in it that uses libuv does
      # not link.
      "target_name": "core_test",
      "type": "executable",
      "product_extension": "",
      "dependencies": ["hawser_pure"],
      "include_dirs": ["core"],
      "sources": [
        "core/main.c",
        "core/mem.c",
        "core/deadline.c",
        "core/table.c",
        "core/ids.c",
        "core/pool.c",
        "core/pool-model.c",
        "core/pool-random.c",
        "core/ring.c",
      ],
    },
    {
      "target_name": "core_bench",
      "type": "executable",
      "product_extension": "",
      "dependencies": ["hawser_pure"],
      "sources": ["../bench/core/pool.c"],
    },
    {
      # An addon: http1 needs the host's llhttp.
      "target_name": "host_test",
      "dependencies": ["hawser_core", "hawser_pure"],
      "include_dirs": ["core"],
      "sources": [
        "host/main.c",
        "host/fixture.c",
        "host/http1.c",
        "host/transcript.c",
        "host/conn.c",
        "host/lease.c",
      ],
    },
    {
      # For test/behaviour/nested-turn.test.js.
      "target_name": "turn_test",
      "sources": ["host/turn.c"],
    },
    {
      # For test/support/pressure.js.
      "target_name": "pressure_test",
      "sources": ["host/pressure.c"],
    },
  ],
}
