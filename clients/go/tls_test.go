package matcher_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"

	matcher "github.com/matcher/matcher/clients/go"
	matcherv1 "github.com/matcher/matcher/clients/go/matcher/v1"
)

// authority signs certificates for one test.
type authority struct {
	t           *testing.T
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	folder      string
}

func newAuthority(t *testing.T) *authority {
	made := &authority{t: t, folder: t.TempDir()}
	made.key = made.newKey()
	template := made.template("authority")
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, &made.key.PublicKey, made.key)
	if err != nil {
		t.Fatal(err)
	}
	if made.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	made.write("ca.crt", "CERTIFICATE", der)
	return made
}

func (a *authority) newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return key
}

func (a *authority) template(name string) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		a.t.Fatal(err)
	}
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
}

func (a *authority) write(name, kind string, der []byte) string {
	file := filepath.Join(a.folder, name)
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		a.t.Fatal(err)
	}
	return file
}

// sign leaves NAME.crt and NAME.key in the folder, for localhost and the SPIFFE id.
func (a *authority) sign(name, spiffe string) (certificate, key string) {
	template, private := a.template(name), a.newKey()
	template.DNSNames = []string{"localhost"}
	if spiffe != "" {
		id, err := url.Parse(spiffe)
		if err != nil {
			a.t.Fatal(err)
		}
		template.URIs = []*url.URL{id}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &private.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.write(name+".crt", "CERTIFICATE", der), a.write(name+".key", "PRIVATE KEY", encoded)
}

// mTLS from Go: a caller is known by its SPIFFE id and may call what the configuration names, nothing else; without a
// certificate there is no connection at all.
func TestMutualTLS(t *testing.T) {
	const caller = "spiffe://test/ns/dispatch/sa/api"
	signer := newAuthority(t)
	certificate, key := signer.sign("server", "")
	running := configured(t, fmt.Sprintf(
		"[tls]\ncertificate = %q\nkey = %q\nclient_ca = %q\nallow = [%q]\n",
		certificate, key, filepath.Join(signer.folder, "ca.crt"), caller+" matcher.v1.MatchingService/*",
	))
	target := "localhost:" + running.address[strings.LastIndex(running.address, ":")+1:]
	roots := x509.NewCertPool()
	roots.AddCert(signer.certificate)
	dialled := func(shown ...tls.Certificate) *matcher.Client {
		settings := &tls.Config{RootCAs: roots, Certificates: shown, MinVersion: tls.VersionTLS12}
		client, err := matcher.Dial(target, grpc.WithTransportCredentials(credentials.NewTLS(settings)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		return client
	}
	known, err := tls.LoadX509KeyPair(signer.sign("caller", caller))
	if err != nil {
		t.Fatal(err)
	}
	client := dialled(known)
	if err := client.WaitReady(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Match(within(t, time.Minute), &matcherv1.MatchRequest{Snapshot: market()}); err != nil {
		t.Errorf("a permitted call failed: %v", err)
	}
	_, err = client.Solve(within(t, time.Minute), slowSolve(2))
	var refused *matcher.Error
	if !errors.As(err, &refused) || refused.Code != codes.PermissionDenied ||
		refused.Reason != matcherv1.ErrorReason_ERROR_REASON_PERMISSION_DENIED {
		t.Errorf("a refusal was expected: %v", err)
	}
	if _, err := dialled().Solve(within(t, 2*time.Second), slowSolve(2)); err == nil {
		t.Error("a caller without a certificate was answered")
	}
}
