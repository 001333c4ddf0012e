//! A system that is right.

pub(super) const RIGHT: &str = "\
apiVersion: apps/v1 # deployment
kind: Deployment
metadata: {name: web} # deployment
spec: # deployment
  replicas: 3 # web
  strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}
  selector: {matchLabels: {app: web}} # deployment
  template:
    metadata:
      labels: {app: web} # pod
    spec: # pod
      serviceAccountName: web
      terminationGracePeriodSeconds: 30
      topologySpreadConstraints: [{topologyKey: kubernetes.io/hostname, maxSkew: 1, whenUnsatisfiable: ScheduleAnyway}]
      containers:
        - name: web # container
          image: web:1 # web
          lifecycle: {preStop: {sleep: {seconds: 5}}}
          command: [/web]
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /readyz, port: http}, periodSeconds: 5}
          livenessProbe: {httpGet: {path: /livez, port: http}, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6}
          resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}} # web
          volumeMounts: [{name: settings, mountPath: /etc/web}]
      volumes: [{name: settings, configMap: {name: settings}}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: v1
kind: Service
metadata: {name: web} # service
spec:
  selector: {app: web} # service
  ports: [{name: http, port: 80, targetPort: http}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  maxUnavailable: 1 # budget
  selector: {matchLabels: {app: web}} # budget
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules:
    - http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, annotations: {seaworthy/allow.single-replica-gap: its clients wait}}
spec:
  replicas: 1
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 120
      containers:
        - name: db # container
          image: mysql:8.4
          args: [--sync-binlog=1]
          env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: db-password, key: password}}}]
          ports: [{name: mysql, containerPort: 3306}]
          readinessProbe: {tcpSocket: {port: mysql}}
          resources: {requests: {memory: 512Mi}}
          volumeMounts: [{name: data, mountPath: /var/lib/mysql}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec:
  clusterIP: None
  selector: {app: db}
  ports: [{name: tcp-mysql, port: 3306, targetPort: mysql}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Secret
metadata: {name: db-password}
data: {password: c2VjcmV0}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data:
  my.cnf: |
    [mysqld]
    sync_binlog = 1
";
