package main

import (
	"encoding/json"
	"fmt"

	"go.uber.org/zap/zapcore"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
)

const zapErrors = zapcore.ErrorLevel

var replicationsVersion = schema.GroupVersion{Group: "tributary.dev", Version: "v1alpha1"}

// Endpoint, Spec, Status: as much of a Replication as both programs of this benchmark use.
type Endpoint struct {
	SecretRef struct {
		Name string `json:"name"`
	} `json:"secretRef"`
	Host     string `json:"host,omitempty"`
	Database string `json:"database,omitempty"`
}

type Spec struct {
	Mode   string   `json:"mode"`
	Source Endpoint `json:"source"`
	Target Endpoint `json:"target"`
}

type Status struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Phase              string             `json:"phase,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

type Replication struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              Spec   `json:"spec"`
	Status            Status `json:"status,omitzero"`
}

type ReplicationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []Replication `json:"items"`
}

func (r *Replication) DeepCopy() *Replication {
	out := *r
	out.ObjectMeta = *r.ObjectMeta.DeepCopy()
	out.Status.Conditions = append([]metav1.Condition(nil), r.Status.Conditions...)
	return &out
}

func (r *Replication) DeepCopyObject() runtime.Object { return r.DeepCopy() }

func (l *ReplicationList) DeepCopyObject() runtime.Object {
	out := &ReplicationList{TypeMeta: l.TypeMeta, ListMeta: *l.ListMeta.DeepCopy()}
	for i := range l.Items {
		out.Items = append(out.Items, *l.Items[i].DeepCopy())
	}
	return out
}

func addReplications(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(replicationsVersion, &Replication{}, &ReplicationList{})
	metav1.AddToGroupVersion(scheme, replicationsVersion)
	return nil
}

func (r *Replication) settings() string {
	text, err := json.Marshal(map[string]any{"version": 1, "replication": r.UID, "name": r.Namespace + "/" + r.Name,
		"mode": r.Spec.Mode, "source": r.Spec.Source, "target": r.Spec.Target})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// A Job like the one that tributary-operator creates.
func jobOf(r *Replication) *batchv1.Job {
	labels := map[string]string{
		"app.kubernetes.io/name": "rival", "app.kubernetes.io/component": "engine", "app.kubernetes.io/managed-by": "rival",
		"tributary.dev/replication": r.Name, "tributary.dev/uid": string(r.UID)}
	name := fmt.Sprintf("%s-%.8s-1", r.Name, r.UID)
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: r.Namespace, Labels: labels},
		Spec: batchv1.JobSpec{
			Completions: ptr.To[int32](1), Parallelism: ptr.To[int32](1), BackoffLimit: ptr.To[int32](6),
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: podOf(r, name)},
		},
	}
}

func podOf(r *Replication, settings string) corev1.PodSpec {
	secret := func(name, from string) corev1.Volume {
		return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
			Secret: &corev1.SecretVolumeSource{SecretName: from, Optional: ptr.To(true), DefaultMode: ptr.To[int32](0o440)}}}
	}
	return corev1.PodSpec{
		RestartPolicy:                corev1.RestartPolicyNever,
		AutomountServiceAccountToken: ptr.To(false),
		EnableServiceLinks:           ptr.To(false),
		SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](65532),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		Containers: []corev1.Container{{
			Name: "engine", Image: "tributary:bench", Command: []string{"/usr/bin/tributary"},
			Args:  []string{"init", "--spec", "/etc/tributary/spec/spec.json", "--status-address", ":8080"},
			Ports: []corev1.ContainerPort{{Name: "status", ContainerPort: 8080}},
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("250m"), corev1.ResourceMemory: resource.MustParse("256Mi")}},
			SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: ptr.To(false),
				ReadOnlyRootFilesystem: ptr.To(true), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
			VolumeMounts: []corev1.VolumeMount{{Name: "spec", MountPath: "/etc/tributary/spec", ReadOnly: true},
				{Name: "source", MountPath: "/etc/tributary/source", ReadOnly: true},
				{Name: "target", MountPath: "/etc/tributary/target", ReadOnly: true}},
		}},
		Volumes: []corev1.Volume{
			{Name: "spec", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: settings}}}},
			secret("source", r.Spec.Source.SecretRef.Name), secret("target", r.Spec.Target.SecretRef.Name)},
	}
}
