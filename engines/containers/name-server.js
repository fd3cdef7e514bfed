import { createSocket } from 'node:dgram';

// The name server of the containers: passes questions on to that of the internet, and while there is none answers at once
// that it knows no such name. Docker's own passes on what it does not know, and gives no answer where it gets none: then
// Temporal's programs, which ask for more than addresses, wait for longer than they try to connect.
const [address, upstream] = process.argv.slice(2);
const waitMs = 5_000;

/** The question itself, marked as an answer of that kind. */
function unknown(question) {
  const [isAnswer, recursesAndKnowsNoSuchName] = [0x80, 0x83];
  const answer = Buffer.from(question);
  answer[2] |= isAnswer;
  answer[3] = recursesAndKnowsNoSuchName;
  return answer;
}

const server = createSocket('udp4');
server.on('message', (question, { port, address: asker }) => {
  const asked = createSocket('udp4');
  let isAnswered = false;
  const answer = (text) => {
    if (isAnswered) return;
    isAnswered = true;
    clearTimeout(late);
    asked.close();
    server.send(text, port, asker, () => undefined);
  };
  const late = setTimeout(() => answer(unknown(question)), waitMs);
  asked.once('message', answer);
  asked.once('error', () => answer(unknown(question)));
  // Without a callback, nobody would hear that there is no way to that network.
  asked.send(question, 53, upstream, (error) => {
    if (error) answer(unknown(question));
  });
});
server.bind(53, address);
