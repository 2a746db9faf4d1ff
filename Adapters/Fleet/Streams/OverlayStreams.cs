using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text;
using ControlPlane.Adapters.Nats;
using ControlPlane.Certificates;
using ControlPlane.Placement;
using ControlPlane.Store;
using Microsoft.Extensions.Options;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Fleet;

/// <summary>
/// The JetStream streams that the control plane keeps for itself on the brokers of its own overlay: the one place where they are named,
/// bounded and made, and where what brokers answer becomes what the ports throw.
/// </summary>
/// <remarks>
/// A record is a message on <c>controlplane.{overlay}.{log}.{topic}</c>: its content is the body, its id the message id, its position the
/// sequence. A value is the last message on <c>controlplane.{overlay}.state.{area}.{key}</c>, its revision the sequence.
/// </remarks>
internal sealed class OverlayStreams(FleetConnections connections, IOptions<OverlaysOptions> overlays, IOptions<FleetOptions> fleet)
{
    /// <summary>The register; the other streams are <see cref="Logs"/>.</summary>
    public const string State = "state";

    private const long ChangesMax = 200_000;

    // Half a kilobyte for each job.
    private const long JobsKnownBytesMax = 256L << 20;
    private const string TrialArea = "readiness";

    /// <summary>How long brokers may take for one answer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly string[] Kinds =
        [State, Logs.Changes, Logs.Advisories, Logs.Certificates, Logs.Audit, Logs.Jobs, Registers.Jobs];

    private readonly ConcurrentDictionary<string, JetStreamStore> stores = new(StringComparer.Ordinal);

    /// <summary>Whether we know brokers that keep these streams.</summary>
    public bool AreReachable => connections.Of(Overlay).Count > 0;

    /// <summary>The streams of an overlay.</summary>
    public static IEnumerable<string> NamesOf(string overlay) => Kinds.Select(kind => NameOf(overlay, kind));

    /// <summary>The subjects that are published to for them.</summary>
    public static IEnumerable<string> SubjectsOf(string overlay) => Kinds.Select(kind => $"{PrefixOf(overlay, kind)}.>");

    /// <summary>The subject of a record or a value, or with a star those of many. Names are encoded: none can reach into another.</summary>
    /// <exception cref="ArgumentException">A name is too long.</exception>
    public string SubjectOf(string kind, params IEnumerable<string?> names) =>
        string.Join('.', names.Select(name => name is null ? "*" : Encode(name)).Prepend(PrefixOf(Overlay, kind)));

    /// <summary>The last name in a subject of <see cref="SubjectOf"/>; null in one that is not ours, though it looks like it.</summary>
    public static string? NameOrNull(string subject) =>
        JetStreamSubject.DecodeOrNull(subject[(subject.LastIndexOf('.') + 1)..]) is { } name ? Encoding.UTF8.GetString(name) : null;

    /// <summary>Stores a message and returns its sequence.</summary>
    /// <exception cref="StoreUnavailableException">It is not stored, or nobody knows.</exception>
    /// <exception cref="StoreConflictException">The last message there is another than expected.</exception>
    /// <exception cref="ArgumentException">It is too large.</exception>
    public Task<ulong> StoreAsync(
        string kind, string subject, ReadOnlyMemory<byte> content, string? id, ulong? expected, CancellationToken cancellationToken)
    {
        if (content.Length > StoreLimits.ContentBytesMax)
        {
            throw new ArgumentException($"{content.Length} bytes are more than the {StoreLimits.ContentBytesMax} of a record", nameof(content));
        }

        return AskAsync(
            kind, (store, limit) => store.StoreAsync(subject, content, id, expected, cancellationToken: limit), cancellationToken);
    }

    /// <summary>Tries what we live by: each stream is there or can be made, and the register takes a value.</summary>
    /// <exception cref="StoreUnavailableException">It failed; the message says on which stream and why.</exception>
    public async Task TryAsync(CancellationToken cancellationToken)
    {
        foreach (var kind in Kinds)
        {
            await AskAsync(kind, (store, limit) => store.GetStateAsync(limit), cancellationToken);
        }

        await StoreAsync(State, SubjectOf(State, TrialArea, Overlay), "{}"u8.ToArray(), id: null, expected: null, cancellationToken);
    }

    /// <summary>Asks the brokers within a time limit, and says in the ports' words that they did not do it.</summary>
    /// <exception cref="StoreUnavailableException">They are away, refuse, or are silent.</exception>
    /// <exception cref="StoreConflictException">Somebody else was first.</exception>
    /// <exception cref="ArgumentException">It is more than these brokers take.</exception>
    public async Task<T> AskAsync<T>(
        string kind, Func<JetStreamStore, CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            return await ask(StoreOf(kind), limit.Token);
        }
        catch (JetStreamConflictException conflict)
        {
            throw new StoreConflictException(conflict.Message, conflict);
        }
        catch (NatsPayloadTooLargeException large)
        {
            throw new ArgumentException($"the brokers of {Overlay} take no message of that size: {large.Message}", large);
        }
        catch (Exception fault) when (NatsFault.Is(fault))
        {
            throw new StoreUnavailableException($"the brokers of {Overlay} did not do it on {NameOf(Overlay, kind)}: {fault.Message}", fault);
        }
        catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
        {
            throw new StoreUnavailableException(
                $"the brokers of {Overlay} did not answer within {Patience.TotalSeconds:0} s on {NameOf(Overlay, kind)}", late);
        }
    }

    /// <summary>Reads on for as long as there is something, and says in the ports' words that it broke off.</summary>
    /// <exception cref="StoreUnavailableException">It did.</exception>
    public async IAsyncEnumerable<T> ReadAsync<T>(
        string kind, IAsyncEnumerable<T> messages, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var reading = messages.GetAsyncEnumerator(cancellationToken);
        while (await HasNextAsync(kind, reading, cancellationToken))
        {
            yield return reading.Current;
        }
    }

    private async ValueTask<bool> HasNextAsync<T>(string kind, IAsyncEnumerator<T> reading, CancellationToken cancellationToken)
    {
        try
        {
            return await reading.MoveNextAsync();
        }
        catch (Exception fault) when (
            NatsFault.Is(fault) || (fault is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new StoreUnavailableException($"the brokers of {Overlay} broke off on {NameOf(Overlay, kind)}: {fault.Message}", fault);
        }
    }

    private string Overlay => overlays.Value.Local;

    // Parallel callers make two at most, which do the same.
    private JetStreamStore StoreOf(string kind) => stores.GetOrAdd(kind, _ => connections.Of(Overlay) is [var connection, ..]
        ? new JetStreamStore(new NatsJSContext(connection), Describe(kind))
        : throw new StoreUnavailableException($"Fleet:Overlays does not say how to reach the brokers of {Overlay}"));

    private StreamConfig Describe(string kind)
    {
        var options = fleet.Value;
        var described = new StreamConfig(NameOf(Overlay, kind), [$"{PrefixOf(Overlay, kind)}.>"]);
        switch (kind)
        {
            case State:
                described.Description = "ControlPlane: soft state, the last message of each key";
                (described.MaxMsgsPerSubject, described.MaxBytes) = (1, options.StateBytesMax);
                break;
            case Logs.Changes:
                described.Description = "ControlPlane: how nodes stand after each change";
                (described.MaxAge, described.MaxBytes, described.MaxMsgs) = (options.ChangesMaxAge, options.ChangesBytesMax, ChangesMax);
                break;
            case Logs.Advisories:
                described.Description = "ControlPlane: nodes that are new, late, lost or back, as Choria's age advisories";
                (described.MaxAge, described.MaxBytes) = (options.AdvisoriesMaxAge, options.AdvisoriesBytesMax);
                break;
            case Logs.Certificates:
                described.Description = "ControlPlane: every write of the certificate ledgers, as a chain for each shard";
                (described.MaxMsgsPerSubject, described.MaxBytes) = (LedgerChain.KeptMin, options.CertificatesBytesMax);
                break;
            case Logs.Audit:
                // Old ones go, or calls would stop when it is full: what must be kept longer is exported or replicated before.
                described.Description = "ControlPlane: every call that was to change something, as a chain for each silo";
                (described.MaxAge, described.MaxBytes) = (options.AuditMaxAge, options.AuditBytesMax);
                (described.DenyDelete, described.DenyPurge) = (true, true);
                break;
            case Logs.Jobs:
                described.Description = "ControlPlane: what came of jobs at their targets";
                (described.MaxAge, described.MaxBytes) = (options.JobsMaxAge, options.JobsBytesMax);
                break;
            case Registers.Jobs:
                described.Description = "ControlPlane: which jobs there are, the last message of each key";
                (described.MaxMsgsPerSubject, described.MaxAge, described.MaxBytes) = 
                    (1, options.JobsMaxAge, Math.Min(JobsKnownBytesMax, options.JobsBytesMax));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "not one of ours");
        }

        described.NumReplicas = options.StateReplicas;
        return described;
    }

    private static string NameOf(string overlay, string kind) => $"controlplane_{overlay}_{kind}";

    // Choria's advisories have been on this subject since there are any.
    private static string PrefixOf(string overlay, string kind) =>
        $"controlplane.{overlay}.{(kind == Logs.Advisories ? "advisory" : kind)}";

    private static string Encode(string name)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        return bytes.Length <= StoreLimits.NameBytesMax
            ? JetStreamSubject.Encode(bytes)
            : throw new ArgumentException($"a name of {bytes.Length} bytes is longer than the {StoreLimits.NameBytesMax} that are possible");
    }
}
