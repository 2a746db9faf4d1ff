using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using ControlPlane.Access;
using ControlPlane.Adapters.Choria;
using ControlPlane.Certificates;
using ControlPlane.Fleet;
using ControlPlane.FleetSimulator;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.TestKit.Stage;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Chaos;

/// <summary>
/// Asks every side what it knows of a fleet at rest: nodes, API, ledger, CA, brokers, histories, and all that was written.
/// </summary>
internal sealed class FactsCollector(EnrolmentStage stage, string historyFolder, TimeProvider time)
{
    private const string Stream = "CHORIA_EVENTS";
    private const string Export = "/v1/audit:export";
    private const int BatchMax = 1000;

    /// <summary>What handing over one stored event may take in a fleet at rest.</summary>
    private static readonly TimeSpan DeliveryDeadline = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(200);

    private static readonly JsonSerializerOptions Json =
        new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    private HttpClient Api => stage.Silo!.Api;

    /// <param name="fleet">The nodes.</param>
    /// <param name="log">What the silos logged.</param>
    /// <param name="answered">What operators called, and was done.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<FleetFacts> CollectAsync(
        SimulatedFleet fleet, string log, IReadOnlyList<OperatorCall> answered, CancellationToken cancellationToken)
    {
        var sites = new Dictionary<string, IReadOnlyList<RosterEntry>>(StringComparer.Ordinal);
        var held = new Dictionary<string, NodeSnapshot>(StringComparer.Ordinal);
        var ledger = new List<LedgerEntry>();
        for (var site = 0; site < stage.Redises.Count; site++)
        {
            var (name, view) = (EnrolmentStage.NameOf(site), new ControlPlaneView(stage, stage.Redises.Count > 1 ? site : null));
            sites[name] = await view.ListAsync(cancellationToken);
            foreach (var (identity, snapshot) in await view.HeldByAsync(sites[name], cancellationToken))
            {
                held[identity] = snapshot;
            }

            ledger.AddRange(await LedgerView.ReadAsync(stage.Redises[site].ConnectionString, name, cancellationToken));
        }

        IReadOnlyList<StoredEvent> events =
        [
            .. await EventsAsync(
                FleetStreams.ProvisioningNetwork,
                stage.Brokers.Provisioning.Url,
                "provisioner",
                stage.Secrets.ProvisionerPasswordFile,
                cancellationToken),
            .. await EventsAsync(
                EnrolmentStage.Overlay,
                stage.Brokers.Overlay.Url,
                "controlplane",
                stage.Secrets.ControlPlanePasswordFile,
                cancellationToken),
        ];
        var operations = await OperationsAfterAsync(events, cancellationToken);
        return new FleetFacts
        {
            Nodes = fleet.Nodes,
            Sites = sites,
            Snapshots = held,
            Ledger = ledger,
            RevokedSerials = await RevocationListView.ReadAsync(Api, cancellationToken),
            Overlays = (await Api.GetFromJsonAsync<IReadOnlyList<OverlaySnapshot>>("/v1/overlays", Json, cancellationToken))!,
            Operations = operations,
            Answered = answered,
            Audit = await AuditAsync(cancellationToken),
            Events = events,
            Texts = await TextsAsync(log, fleet, cancellationToken),
            Secrets = Secrets(),
        };
    }

    /// <summary>
    /// The histories once they tell of every event, or as they are after <see cref="DeliveryDeadline"/>: nodes go on sending at rest.
    /// </summary>
    private async Task<IReadOnlyList<Operation>> OperationsAfterAsync(
        IReadOnlyList<StoredEvent> events, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            var operations = OperationFile.Read(OperationFile.In(historyFolder));
            if (!EventCheck.Unheard(events, operations).Any() || time.GetElapsedTime(began) > DeliveryDeadline)
            {
                return operations;
            }

            await Task.Delay(LookInterval, time, cancellationToken);
        }
    }

    private async Task<IReadOnlyList<AuditLine>> AuditAsync(CancellationToken cancellationToken) =>
        [.. (await Api.GetStringAsync(Export, cancellationToken)).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonSerializer.Deserialize<AuditLine>(line, Json)!)];

    private async Task<IReadOnlyDictionary<string, string>> TextsAsync(
        string log, SimulatedFleet fleet, CancellationToken cancellationToken)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal) { ["the silos' log"] = log };
        foreach (var history in OperationFile.In(historyFolder))
        {
            texts[Path.GetFileName(history)] = await File.ReadAllTextAsync(history, cancellationToken);
        }

        var node = Uri.EscapeDataString(fleet.Nodes[0].Identity);
        foreach (var page in (string[])["/", "/nodes", $"/nodes/{node}", $"/v1/nodes/{node}", "/v1/summary", Export])
        {
            texts[page] = await Api.GetStringAsync(page, cancellationToken);
        }

        foreach (var page in (string[])["/metrics", "/readyz"])
        {
            texts[page] = await stage.Silo!.Health.GetStringAsync(page, cancellationToken);
        }

        return texts;
    }

    private Dictionary<string, string> Secrets() => new(StringComparer.Ordinal)
    {
        ["the shared secret"] = File.ReadAllText(stage.Secrets.SharedSecretFile),
        ["the issuer's seed"] = File.ReadAllText(stage.Secrets.IssuerSeedFile),
        ["the caller's seed"] = File.ReadAllText(stage.Secrets.CallerSeedFile),
        ["the provisioner's password"] = File.ReadAllText(stage.Secrets.ProvisionerPasswordFile),
        ["the control plane's password"] = File.ReadAllText(stage.Secrets.ControlPlanePasswordFile),
        ["the nodes' password"] = File.ReadAllText(stage.Secrets.NodePasswordFile),
        ["the unprovisioned nodes' password"] = File.ReadAllText(stage.Secrets.UnprovisionedPasswordFile),
    };

    private async Task<IReadOnlyList<StoredEvent>> EventsAsync(
        string network, string url, string user, string passwordFile, CancellationToken cancellationToken)
    {
        var client = stage.ClientCertificate;
        await using var connection = new NatsConnection(NatsOpts.Default with
        {
            Url = url,
            AuthOpts = new NatsAuthOpts { Username = user, Password = await File.ReadAllTextAsync(passwordFile, cancellationToken) },
            TlsOpts = new NatsTlsOpts
            {
                Mode = TlsMode.Require, CaFile = stage.AuthorityPath, CertFile = client.CertificatePath, KeyFile = client.KeyPath,
            },
        });
        var consumer = await new NatsJSContext(connection).CreateOrderedConsumerAsync(Stream, cancellationToken: cancellationToken);
        var events = new List<StoredEvent>();
        while (true)
        {
            var before = events.Count;
            await foreach (
                var message in consumer.FetchNoWaitAsync<byte[]>(
                    new NatsJSFetchOpts { MaxMsgs = BatchMax }, cancellationToken: cancellationToken))
            {
                if (LifecycleEvent.TryDecode(message.Data, out var heard, out _) && message.Metadata is { } metadata)
                {
                    events.Add(
                        new StoredEvent(network, metadata.Sequence.Stream, metadata.Timestamp, heard.Identity, heard.Kind.ToString()));
                }
            }

            if (events.Count == before)
            {
                return events;
            }
        }
    }
}
