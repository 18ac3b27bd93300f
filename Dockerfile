# SPDX-License-Identifier: Apache-2.0
#
# The pilot's image: one static program, and the names that a job's image may have in its root.
# scripts/image builds it with docker, podman or buildah; by hand: docker build -t podpilot .
#   --target debug   also a shell with busybox' tools (sh) and the certificate authorities of Debian
# The same commit and the same --build-arg SOURCE_DATE_EPOCH give the same files.

FROM debian:12 AS build
WORKDIR /src
# The libraries first: this layer is reused until their recipe or lock file changes.
COPY scripts/deps scripts/deps.lock scripts/
RUN scripts/deps --for build && apt-get install -y --no-install-recommends busybox-static \
 && apt-get clean && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cmake --preset release -DPODPILOT_TESTS=OFF \
 && cmake --build --preset release --target podpilot \
 && scripts/pilot-root /image \
 && install -m 0111 build/release/podpilot /image/podpilot \
 && install -D -m 0755 /bin/busybox /debug/debug/busybox \
 && for tool in $(busybox --list | grep -vx busybox); do ln -s busybox "/debug/debug/$tool"; done \
 && install -m 0644 /etc/ssl/certs/ca-certificates.crt /debug/debug/
ARG SOURCE_DATE_EPOCH=0
RUN find /image /debug -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

# Executable by everybody, readable and writable by nobody but root: what runs beside the pilot can
# neither look into it nor replace it.
FROM scratch AS pilot
COPY --from=build /image/ /
ENTRYPOINT ["/podpilot"]

FROM pilot AS debug
COPY --from=build /debug/ /
ENV SSL_CERT_FILE=/debug/ca-certificates.crt PATH=/debug

FROM pilot
