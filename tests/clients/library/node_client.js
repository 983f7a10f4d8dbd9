// What @kubernetes/client-node does against minke: each step says "ok" and what it shows.
const k8s = require('@kubernetes/client-node');
const fs = require('fs');
const assert = require('assert');

const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);
const objects = k8s.KubernetesObjectApi.makeApiClient(config);
const namespace = 'default';
const things = `${__dirname}/../things`;
let passed = 0, failed = 0;

async function shows(what, step) {
  try {
    await step();
    passed++;
    console.log(`ok ${what}`);
  } catch (error) {
    failed++;
    console.log(`FAIL client-node: ${what}: ${String(error.stack).slice(0, 400)}`);
  }
}

async function until(what, test) {
  for (const end = Date.now() + 10000; Date.now() < end;) {
    if (await test()) return;
    await new Promise((next) => setTimeout(next, 30));
  }
  throw new Error(`never ${what}`);
}

const statusOf = (promise) => promise.then(() => 200, (error) => error.code);
const configMap = (name, data) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { of: 'test' } }, data });

async function main() {
  await shows('the server says its version', async () => {
    const version = await config.makeApiClient(k8s.VersionApi).getCode();
    assert.match(version.gitVersion, /minke/);
  });
  await shows('objects are created from YAML, each of its kind', async () => {
    for (const object of k8s.loadAllYaml(fs.readFileSync(`${things}/web.yaml`, 'utf8'))) {
      object.metadata.namespace = namespace;
      await objects.create(object);
    }
    const service = await objects.read({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace } });
    assert.equal(service.spec.ports[0].port, 80);
  });
  await shows('a deployment comes up, its times are dates', async () => {
    await until('ready', async () => (await apps.readNamespacedDeployment({ name: 'web', namespace })).status.readyReplicas === 3);
    const deployment = await apps.readNamespacedDeployment({ name: 'web', namespace });
    assert.ok(deployment.metadata.creationTimestamp instanceof Date);
  });
  await shows('pods are listed by label, by field and in pages', async () => {
    const pods = await core.listNamespacedPod({ namespace, labelSelector: 'app=web' });
    assert.equal(pods.items.length, 3);
    const one = await core.listNamespacedPod({ namespace, fieldSelector: `metadata.name=${pods.items[0].metadata.name}` });
    assert.equal(one.items.length, 1);
    const page = await core.listNamespacedPod({ namespace, limit: 2 });
    assert.equal(page.items.length, 2);
    const rest = await core.listNamespacedPod({ namespace, limit: 2, _continue: page.metadata._continue });
    assert.equal(rest.items.length, 1);
  });
  await shows('every kind of patch is taken', async () => {
    const patched = (body, type) => apps.patchNamespacedDeployment({ name: 'web', namespace, body, fieldManager: 'test', force: type === k8s.PatchStrategy.ServerSideApply || undefined },
      k8s.setHeaderOptions('Content-Type', type));
    assert.equal((await patched([{ op: 'replace', path: '/spec/replicas', value: 4 }], k8s.PatchStrategy.JsonPatch)).spec.replicas, 4);
    assert.equal((await patched({ metadata: { labels: { tier: 'front' } } }, k8s.PatchStrategy.MergePatch)).metadata.labels.tier, 'front');
    const strategic = await patched({ spec: { template: { spec: { containers: [{ name: 'web', env: [{ name: 'A', value: 'b' }] }] } } } }, k8s.PatchStrategy.StrategicMergePatch);
    assert.equal(strategic.spec.template.spec.containers[0].image, 'example.test/web:1');
    const applied = await patched({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', annotations: { note: 'x' } } }, k8s.PatchStrategy.ServerSideApply);
    assert.equal(applied.metadata.annotations.note, 'x');
  });
  await shows('a scale is read and replaced', async () => {
    const scale = await apps.readNamespacedDeploymentScale({ name: 'web', namespace });
    scale.spec.replicas = 2;
    delete scale.metadata.resourceVersion; // the roll-out of the patch before writes, too
    assert.equal((await apps.replaceNamespacedDeploymentScale({ name: 'web', namespace, body: scale })).spec.replicas, 2);
  });
  await shows('a replace with an old version is a conflict', async () => {
    const made = await core.createNamespacedConfigMap({ namespace, body: configMap('settings', { a: '1' }) });
    await core.replaceNamespacedConfigMap({ name: 'settings', namespace, body: { ...made, data: { a: '2' } } });
    assert.equal(await statusOf(core.replaceNamespacedConfigMap({ name: 'settings', namespace, body: made })), 409);
    assert.equal(await statusOf(core.createNamespacedConfigMap({ namespace, body: configMap('settings') })), 409);
    assert.equal(await statusOf(core.readNamespacedConfigMap({ name: 'nothing', namespace })), 404);
    assert.equal(await statusOf(core.createNamespacedConfigMap({ namespace, body: configMap('Bad_Name') })), 422);
  });
  await shows('a watch tells of objects made, changed and gone', async () => {
    const seen = [];
    const watch = await new k8s.Watch(config).watch(`/api/v1/namespaces/${namespace}/configmaps`, { labelSelector: 'of=test', allowWatchBookmarks: true },
      (type, object) => seen.push(`${type} ${object.metadata.name}`), () => {});
    await until('added', () => seen.includes('ADDED settings'));
    await core.createNamespacedConfigMap({ namespace, body: configMap('watched') });
    await core.patchNamespacedConfigMap({ name: 'watched', namespace, body: [{ op: 'add', path: '/data', value: { b: 'c' } }] });
    await core.deleteNamespacedConfigMap({ name: 'watched', namespace });
    await until('deleted', () => seen.includes('DELETED watched'));
    assert.deepEqual(seen, ['ADDED settings', 'ADDED watched', 'MODIFIED watched', 'DELETED watched']);
    watch.abort();
  });
  await shows('an informer keeps a cache', async () => {
    const events = [];
    const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`,
      () => core.listNamespacedConfigMap({ namespace, labelSelector: 'of=test' }), 'of=test');
    for (const event of ['add', 'update', 'delete']) informer.on(event, (object) => events.push(`${event} ${object.metadata.name}`));
    await informer.start();
    await core.createNamespacedConfigMap({ namespace, body: configMap('cached', { a: '1' }) });
    await until('cached', () => informer.get('cached', namespace));
    await core.patchNamespacedConfigMap({ name: 'cached', namespace, body: [{ op: 'replace', path: '/data/a', value: '2' }] });
    await until('changed', () => informer.get('cached', namespace).data.a === '2');
    await core.deleteNamespacedConfigMap({ name: 'cached', namespace });
    await until('gone', () => !informer.get('cached', namespace));
    assert.equal(informer.list(namespace).length, 1);
    assert.deepEqual(events, ['add settings', 'add cached', 'update cached', 'delete cached']);
    await informer.stop();
  });
  await shows('metrics of pods and nodes are read', async () => {
    const nodes = await new k8s.Metrics(config).getNodeMetrics();
    assert.equal(nodes.items.length, 3);
    assert.equal((await k8s.topNodes(core)).length, 3);
  });
  await shows('a token of a service account authenticates', async () => {
    const made = await core.createNamespacedServiceAccountToken({ name: 'default', namespace, body: { spec: { audiences: [], expirationSeconds: 600 } } });
    const other = new k8s.KubeConfig();
    other.loadFromClusterAndUser(config.getCurrentCluster(), { name: 'sa', token: made.status.token });
    const review = await other.makeApiClient(k8s.AuthenticationV1Api).createSelfSubjectReview({ body: {} });
    assert.equal(review.status.userInfo.username, 'system:serviceaccount:default:default');
    assert.equal(await statusOf(other.makeApiClient(k8s.CoreV1Api).listNamespacedSecret({ namespace })), 403);
  });
  await shows('a custom resource is defined, made, patched and listed', async () => {
    const crd = k8s.loadYaml(fs.readFileSync(`${__dirname}/greetings.yaml`, 'utf8'));
    await config.makeApiClient(k8s.ApiextensionsV1Api).createCustomResourceDefinition({ body: crd });
    const custom = config.makeApiClient(k8s.CustomObjectsApi);
    const where = { group: 'example.test', version: 'v1', namespace, plural: 'greetings' };
    await until('served', async () => (await statusOf(custom.listNamespacedCustomObject(where))) === 200);
    await custom.createNamespacedCustomObject({ ...where, body: { apiVersion: 'example.test/v1', kind: 'Greeting', metadata: { name: 'hi' }, spec: { text: 'hello' } } });
    await custom.patchNamespacedCustomObject({ ...where, name: 'hi', body: [{ op: 'replace', path: '/spec/text', value: 'bye' }] });
    assert.equal((await custom.getNamespacedCustomObject({ ...where, name: 'hi' })).spec.text, 'bye');
    assert.equal(await statusOf(custom.createNamespacedCustomObject({ ...where, body: { apiVersion: 'example.test/v1', kind: 'Greeting', metadata: { name: 'no' }, spec: { text: 5 } } })), 422);
  });
  await shows('what was created from YAML is deleted again', async () => {
    for (const object of k8s.loadAllYaml(fs.readFileSync(`${things}/web.yaml`, 'utf8'))) await objects.delete({ ...object, metadata: { ...object.metadata, namespace } });
    await until('gone', async () => (await core.listNamespacedPod({ namespace })).items.length === 0);
  });
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}

main();
