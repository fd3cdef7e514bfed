# The broker, all roles in one image; BROKER_ROLES says which of them a container runs.
# Debian's C library and not Alpine's: the Temporal SDK's native part is built for it.
FROM node:24.21.0-bookworm-slim@sha256:d6aa754f16b3197301076f047b5def2f02ea1dbbc2ca920407d46d7ec7f87b20 AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY workflows workflows
COPY activities activities
COPY src src
COPY console console
COPY docs docs
COPY README.md CHANGELOG.md SECURITY.md ./
# The Temporal SDK brings its native part for every platform: 110 MB that this one never loads.
RUN npm run build && npm prune --omit=dev --ignore-scripts && \
    cd node_modules/@temporalio/core-bridge && rm -rf sdk-core && \
    find releases -mindepth 1 -maxdepth 1 ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} +

FROM node:24.21.0-bookworm-slim@sha256:d6aa754f16b3197301076f047b5def2f02ea1dbbc2ca920407d46d7ec7f87b20
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build --chown=root:root /app/node_modules node_modules
COPY --from=build --chown=root:root /app/package.json package.json
COPY --from=build --chown=root:root /app/dist dist
# The migrations are read from the sources.
COPY --chown=root:root src/db/migrations src/db/migrations
USER node
EXPOSE 8080 9090
# Any role answers here; the API's own /ready is for load balancers.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.METRICS_PORT||9090}/health`).then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]
# For the check above alone. Metrics ask nobody who he is: whoever scrapes them from outside sets METRICS_HOST.
ENV METRICS_HOST=127.0.0.1 METRICS_PORT=9090
# Left to themselves, Node's heap and the C library's arenas grow with the memory of the machine, not with the work.
ENV NODE_OPTIONS="--max-old-space-size=256 --max-semi-space-size=8" MALLOC_ARENA_MAX=2
CMD ["node", "--enable-source-maps", "--import", "./dist/src/temporal/workflow-threads.js", "dist/src/main.js"]
