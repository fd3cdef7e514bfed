package main

import (
	"crypto/ed25519"
	"encoding/binary"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func TestAnAgentFullOfKeysGetsToTheRightOne(t *testing.T) {
	server := start(t, nil)
	var signers []ssh.Signer
	for range 60 {
		key, _ := newKey(t)
		signers = append(signers, key)
	}
	client, err := server.dial("root", ssh.PublicKeys(append(signers, server.user)...))
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
}

func TestAPersonMayTakeLongerThanAProgram(t *testing.T) {
	server := start(t, func(server *server) { server.handshakeGrace = 300 * time.Millisecond })
	client, err := server.dial("root", ssh.PublicKeysCallback(func() ([]ssh.Signer, error) {
		time.Sleep(600 * time.Millisecond)
		return []ssh.Signer{server.user}, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
	if loginGrace < 2*time.Minute {
		t.Error("too little time for a passphrase")
	}
}

func TestWhoeverSaysNothingIsSentAway(t *testing.T) {
	server := start(t, func(server *server) { server.handshakeGrace = 100 * time.Millisecond })
	for _, said := range []string{"", "SSH-2.0-slow\r\n", "GET / HTTP/1.0\r\n\r\n", strings.Repeat("x", 5000)} {
		connection, err := net.Dial("tcp", server.address)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(connection, said)
		connection.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.Copy(io.Discard, connection); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Errorf("%.20q holds its connection", said)
		}
		connection.Close()
	}
}

func TestAKeyThatIsAddedLogsInAndABrokenFileKeepsNobodyOut(t *testing.T) {
	server := start(t, nil)
	added, _ := newKey(t)
	if _, err := server.dial("root", ssh.PublicKeys(added)); err == nil {
		t.Fatal("it was let in before")
	}
	// As the kubelet does it: another file takes the place of the one that was there.
	put := func(text string) {
		if err := os.WriteFile(server.settings.authorizedKeys+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(server.settings.authorizedKeys+".new", server.settings.authorizedKeys); err != nil {
			t.Fatal(err)
		}
	}
	both := string(ssh.MarshalAuthorizedKey(server.user.PublicKey())) + string(ssh.MarshalAuthorizedKey(added.PublicKey()))
	mayLogIn := func(key ssh.Signer) bool {
		client, err := server.dial("root", ssh.PublicKeys(key))
		if err == nil {
			client.Close()
		}
		return err == nil
	}
	put(both)
	if !mayLogIn(added) || !mayLogIn(server.user) {
		t.Error("a key that is in the file may not log in")
	}
	for _, broken := range []string{"", "rubbish", "# none\n", `command="x" ` + both} {
		put(broken)
		if !mayLogIn(added) || !mayLogIn(server.user) {
			t.Errorf("%q keeps people out", broken)
		}
	}
	os.Remove(server.settings.authorizedKeys)
	if !mayLogIn(added) {
		t.Error("a missing file keeps people out")
	}
	put(string(ssh.MarshalAuthorizedKey(added.PublicKey())))
	if mayLogIn(server.user) || !mayLogIn(added) {
		t.Error("a key that was taken out of the file still logs in")
	}
}

func TestOnlyClientsThatCannotCheckThePinnedHostKeySeeTheOther(t *testing.T) {
	server := start(t, nil)
	var shown ssh.PublicKey
	with := func(algorithms ...string) error {
		client, err := ssh.Dial("tcp", server.address, &ssh.ClientConfig{
			User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(server.user)}, HostKeyAlgorithms: algorithms,
			HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error { shown = key; return nil },
		})
		if err == nil {
			client.Close()
		}
		return err
	}
	if err := with(ssh.KeyAlgoECDSA256); err != nil || shown.Type() != ssh.KeyAlgoECDSA256 {
		t.Fatalf("%v, %v", shown, err)
	}
	other := string(shown.Marshal())
	if err := with(ssh.KeyAlgoECDSA256); err != nil || string(shown.Marshal()) != other {
		t.Errorf("another one at each login: %v", err)
	}
	for _, algorithms := range [][]string{nil, {ssh.KeyAlgoECDSA256, ssh.KeyAlgoED25519}, {ssh.KeyAlgoRSASHA256, ssh.KeyAlgoED25519}} {
		if err := with(algorithms...); err != nil || string(shown.Marshal()) != string(server.hostKey.Marshal()) {
			t.Errorf("%v: %v, %v", algorithms, shown, err)
		}
	}
	if err := with(ssh.KeyAlgoRSASHA256); err == nil {
		t.Error("there is a key that nobody made")
	}
}

func TestTheOtherHostKeyFollowsFromThePinnedOne(t *testing.T) {
	seed := make([]byte, ed25519.SeedSize)
	key, err := ssh.NewSignerFromKey(ecdsaFrom(ed25519.NewKeyFromSeed(seed)))
	if err != nil {
		t.Fatal(err)
	}
	// It must stay the same in every version: clients have it in their known_hosts.
	if got := ssh.FingerprintSHA256(key.PublicKey()); got != "SHA256:PIMsQFakN2ugJyRQ1jrFcQuXzmfqFjL5UkCwnsHAHCA" {
		t.Error(got)
	}
}

func kexInitOf(hostKeys string) []byte {
	payload := append([]byte{kexInit}, make([]byte, 16)...)
	for _, list := range []string{"curve25519-sha256", hostKeys, "", "", "", "", "", "", "", ""} {
		payload = binary.BigEndian.AppendUint32(payload, uint32(len(list)))
		payload = append(payload, list...)
	}
	payload = append(payload, 0, 0, 0, 0, 0)
	packet := binary.BigEndian.AppendUint32(nil, uint32(len(payload)+1+4))
	return append(append(append(packet, 4), payload...), 0, 0, 0, 0)
}

func FuzzHostKeyAlgorithms(f *testing.F) {
	whole := append([]byte("SSH-2.0-x\r\n"), kexInitOf("ecdsa-sha2-nistp256,ssh-rsa")...)
	f.Add(whole)
	f.Add([]byte("SSH-2.0-x\n"))
	f.Add([]byte("SSH-2.0-x\n\xff\xff\xff\xff"))
	f.Add([]byte("SSH-2.0-x\n\x00\x00\x00\x02\xff\x14"))
	f.Fuzz(func(t *testing.T, said []byte) {
		algorithms, complete := hostKeyAlgorithms(said)
		if !complete && (algorithms != nil || len(said) > longestVersion+longestPacket+8) {
			t.Errorf("%d bytes are not enough", len(said))
		}
	})
}

func TestWhatAClientSaysFirstIsReadHoweverItIsCut(t *testing.T) {
	whole := append([]byte("SSH-2.0-x\r\n"), kexInitOf("ecdsa-sha2-nistp256,ssh-rsa")...)
	for length := range whole {
		if algorithms, complete := hostKeyAlgorithms(whole[:length]); complete || algorithms != nil {
			t.Fatalf("%d of %d bytes are taken for all", length, len(whole))
		}
	}
	if algorithms, complete := hostKeyAlgorithms(append(whole, "more"...)); !complete || !needsAnotherHostKey(algorithms) {
		t.Errorf("%v", algorithms)
	}
}
