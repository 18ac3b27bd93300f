# SPDX-License-Identifier: Apache-2.0
#
# The pilot's image: one static program, and the names that a job's image may have in its root.
#   docker build -t podpilot .        buildah build -t podpilot .

FROM debian:12 AS build
WORKDIR /src
# The libraries first: this layer is reused until their recipe or lock file changes.
COPY scripts/deps scripts/deps.lock scripts/
RUN scripts/deps --for build && apt-get clean && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cmake --preset release -DPODPILOT_TESTS=OFF \
 && cmake --build --preset release \
 && scripts/pilot-root /image \
 && install -m 0111 build/release/podpilot /image/podpilot

# Executable by everybody, readable and writable by nobody but root: what runs beside the pilot can
# neither look into it nor replace it.
FROM scratch
COPY --from=build /image/ /
ENTRYPOINT ["/podpilot"]
