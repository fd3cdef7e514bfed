import { createAdmissionActivities } from '../../../activities/admission.js';
import type { ActivityDeps } from '../../../activities/deps.js';
import { signatureTimeoutMs } from '../../../activities/join-command.js';
import { countLiveTokens, newTokenId } from '../../db/join-tokens.js';
import { mostLiveTokens, tokenLifeS } from '../../domain/token-life.js';
import { createBootstrapToken, deleteBootstrapToken, newTokenSecret } from '../../kubernetes/bootstrap-tokens.js';
import { createTokensAhead, type TokenAhead, type TokenMaking } from '../../kubernetes/tokens-ahead.js';
import { newProcessName } from '../../process-name.js';
import { sideBySide } from '../../side-by-side.js';
import { openAnswerDesk } from './answer-desk.js';

/** Kubernetes requests at a time. */
const atOnce = 16;

type Deps = Pick<ActivityDeps, 'config' | 'pool' | 'redis' | 'kubernetes' | 'clusterInfo' | 'logger'>;

/** Answers the registrations that the relay hands over, with tokens made ahead while there are many. */
export function answerRegistrations(deps: Deps): ReturnType<typeof openAnswerDesk> {
  const { pool, logger } = deps;
  const tokens = createTokensAhead(makingOf(deps));
  const { answerRegistration } = createAdmissionActivities({ ...deps, tokensAhead: tokens });
  const desk = openAnswerDesk({ pool, logger, name: newProcessName(), tokens, answer: answerRegistration });
  return {
    ready: desk.ready,
    async stop() {
      await desk.stop();
      await tokens.stop();
    },
  };
}

function makingOf({ config, pool, kubernetes, clusterInfo, logger }: Deps): TokenMaking {
  return {
    logger,
    async make(count, onMade) {
      const madeAt = new Date();
      const ttlS = tokenLifeS(await countLiveTokens(pool, mostLiveTokens), config.JOIN_TOKEN_TTL_S);
      const expiresAt = new Date(madeAt.getTime() + ttlS * 1_000);
      const made: TokenAhead[] = [];
      const planned = Array.from({ length: count }, () => ({ tokenId: newTokenId(), secret: newTokenSecret() }));
      const [fault] = await sideBySide(planned, atOnce, async ({ tokenId, secret }) => {
        if (await createBootstrapToken(kubernetes, { id: tokenId, secret, expiresAt }))
          made.push({ tokenId, secret, madeAt, expiresAt });
      });
      const unsigned = await sideBySide(made, made.length, async (token) => {
        await clusterInfo.awaitSignature(token.tokenId, signatureTimeoutMs);
        onMade(token);
      });
      await discard(unsigned.map(({ item }) => item));
      const reason = fault ?? unsigned[0];
      if (reason !== undefined) throw reason.error;
    },
    discard,
  };

  async function discard(tokens: readonly TokenAhead[]): Promise<void> {
    const failed = await sideBySide(tokens, atOnce, ({ tokenId }) => deleteBootstrapToken(kubernetes, tokenId));
    if (failed.length > 0) throw failed[0]!.error;
  }
}
