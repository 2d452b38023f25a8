// Checks of manifests that need a platform's own types: a field that a custom resource does not have is dropped by the
// API server without a word, and a proxy refuses a wrong configuration only on the day it starts.
//
//	manifests resources < rendered.yaml   custom resources among Kubernetes resources, decoded strictly
//	manifests envoy < envoy.yaml          an Envoy bootstrap, decoded strictly and held to its declared rules
//
// The types are those of Argo Rollouts, the Prometheus operator and Envoy, at the versions in go.mod.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"

	rollouts "github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	bootstrap "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/stream/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/ring_hash/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"google.golang.org/protobuf/encoding/protojson"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// kinds are the custom resources that our manifests use, by "apiVersion kind".
var kinds = map[string]func() any{
	"argoproj.io/v1alpha1 AnalysisTemplate":   func() any { return new(rollouts.AnalysisTemplate) },
	"argoproj.io/v1alpha1 Rollout":            func() any { return new(rollouts.Rollout) },
	"monitoring.coreos.com/v1 PrometheusRule": func() any { return new(monitoring.PrometheusRule) },
	"monitoring.coreos.com/v1 ServiceMonitor": func() any { return new(monitoring.ServiceMonitor) },
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "manifests:", err)
		os.Exit(1)
	}
}

func run(arguments []string, in io.Reader, out io.Writer) error {
	if len(arguments) == 1 {
		switch arguments[0] {
		case "resources":
			return resources(in, out)
		case "envoy":
			return envoy(in)
		}
	}
	return errors.New("usage: manifests resources|envoy < FILE")
}

// resources prints how many of each custom kind it has read, so that a caller can tell a check from no check.
func resources(in io.Reader, out io.Writer) error {
	documents := utilyaml.NewYAMLReader(bufio.NewReader(in))
	counts := map[string]int{}
	var problems []error
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		var head struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
			Metadata   struct {
				Name string `json:"name"`
			} `json:"metadata"`
		}
		if err := yaml.Unmarshal(document, &head); err != nil {
			return err
		}
		name := head.APIVersion + " " + head.Kind
		empty, known := kinds[name]
		if !known {
			continue
		}
		counts[name]++
		if err := yaml.UnmarshalStrict(document, empty(), yaml.DisallowUnknownFields); err != nil {
			problems = append(problems, fmt.Errorf("%s %s: %w", head.Kind, head.Metadata.Name, err))
		}
	}
	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Fprintln(out, counts[name], name)
	}
	return errors.Join(problems...)
}

func envoy(in io.Reader) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	json, err := yaml.YAMLToJSONStrict(bytes.TrimSpace(text))
	if err != nil {
		return err
	}
	var config bootstrap.Bootstrap
	if err := protojson.Unmarshal(json, &config); err != nil {
		return err
	}
	return config.ValidateAll()
}
