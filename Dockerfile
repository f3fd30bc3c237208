# Two images from one build:
#   docker build --target crypto-server -t crypto-server .
#   docker build --target crypto-client -t crypto-client .
# A release says what it is made of:
#   --build-arg VERSION=0.1.0 --build-arg REVISION="$(git rev-parse HEAD)" --build-arg CREATED="$(date -u +%Y-%m-%dT%H:%M:%SZ)"
#   --build-arg SOURCE=<where the repository is>

FROM oven/bun:1.4.5 AS build
WORKDIR /src
# Dependencies first: their layer is reused until the lockfile changes.
COPY package.json bun.lock bunfig.toml ./
RUN bun install --frozen-lockfile --production
COPY . .
RUN bun run build
# Made here because the final image has no shell. A fresh volume takes its owner and mode from this folder.
RUN install -d -m 0700 /volume/data

# cc rather than static: the binaries need glibc.
FROM gcr.io/distroless/cc-debian12:nonroot AS runtime
COPY --from=build --chown=65532:65532 /volume /
VOLUME /data
# By number, so that an orchestrator can see that it is not root.
USER 65532:65532
# Inside a container, loopback would be out of reach of everyone else.
ENV HOST=0.0.0.0 DATA_DIR=/data
ARG VERSION=unversioned
ARG REVISION=unknown
ARG SOURCE=unknown
# What nobody states is the epoch, as in reproducible builds: the label has to be a time.
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="gcr.io/distroless/cc-debian12:nonroot"

FROM runtime AS crypto-server
LABEL org.opencontainers.image.title="crypto-server" \
      org.opencontainers.image.description="OAuth 2.0 authorization server for machines, with a protected API of live crypto rates"
COPY --from=build /src/crypto-server /usr/local/bin/crypto-server
EXPOSE 8000
# The time is for a machine with other work: most of a check is starting the program.
HEALTHCHECK --interval=5s --timeout=10s --start-period=30s --retries=3 CMD ["/usr/local/bin/crypto-server", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/crypto-server"]

FROM runtime AS crypto-client
LABEL org.opencontainers.image.title="crypto-client" \
      org.opencontainers.image.description="Machine client of crypto-server: registers, keeps its token fresh, reads the rates and serves them"
COPY --from=build /src/crypto-client /usr/local/bin/crypto-client
EXPOSE 8001
HEALTHCHECK --interval=5s --timeout=10s --start-period=30s --retries=3 CMD ["/usr/local/bin/crypto-client", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/crypto-client"]
