package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"os"

	"golang.org/x/crypto/ssh"
)

// hostKeys are what a machine proves itself with.
type hostKeys struct {
	// That of known_hosts, which the broker made.
	pinned ssh.Signer
	// For clients that do not know the kind of the pinned one.
	other ssh.Signer
}

func readHostKeys(path string) (hostKeys, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return hostKeys{}, err
	}
	private, err := ssh.ParseRawPrivateKey(text)
	if err != nil {
		// The parser's own words may repeat what it could not read.
		return hostKeys{}, errors.New(path + ": not a private key in PEM")
	}
	pinned, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return hostKeys{}, fmt.Errorf("%s: a key of no use here", path)
	}
	found := hostKeys{pinned: pinned}
	if own := ed25519Of(private); own != nil {
		if found.other, err = ssh.NewSignerFromKey(ecdsaFrom(own)); err != nil {
			return hostKeys{}, err
		}
	}
	return found, nil
}

func ed25519Of(private crypto.PrivateKey) ed25519.PrivateKey {
	switch key := private.(type) {
	case ed25519.PrivateKey:
		return key
	case *ed25519.PrivateKey:
		return *key
	}
	return nil
}

// ecdsaFrom works out a key of the curve P-256 from one of Ed25519: the same at each start, without another secret that
// would have to be kept. Whoever has one of the two public keys learns nothing of either secret.
func ecdsaFrom(own ed25519.PrivateKey) *ecdsa.PrivateKey {
	curve := elliptic.P256()
	// 64 bits more than the curve's order has, so that the remainder is as good as even (FIPS 186-5, A.2.1).
	expanded, err := hkdf.Key(sha256.New, own.Seed(), nil, "worldland ssh host key ecdsa-sha2-nistp256", 40)
	if err != nil {
		panic(err)
	}
	one := big.NewInt(1)
	scalar := new(big.Int).SetBytes(expanded)
	scalar.Mod(scalar, new(big.Int).Sub(curve.Params().N, one)).Add(scalar, one)
	key, err := ecdsa.ParseRawPrivateKey(curve, scalar.FillBytes(make([]byte, 32)))
	if err != nil {
		panic(err)
	}
	return key
}
