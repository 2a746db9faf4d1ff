using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using ControlPlane.Fleet;
using ControlPlane.Placement;
using Microsoft.Extensions.Options;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Fleet;

/// <summary>The JetStream streams that the control plane keeps for itself on the brokers of its own overlay.</summary>
/// <remarks>Each is made when it is first needed and missing; one that exists is never changed.</remarks>
internal sealed class OverlayStreams(FleetConnections connections, IOptions<OverlaysOptions> overlays, IOptions<FleetOptions> fleet)
{
    private const int NameInUse = 10058;
    private const int NotFound = 404;
    private const long ChangesMax = 200_000;
    private const string TrialArea = "readiness";

    private static readonly TimeSpan PublishTimeout = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, byte> ensured = new(StringComparer.Ordinal);

    private string Overlay => overlays.Value.Local;

    /// <summary>The overlay's name, for those who must say who speaks.</summary>
    public string OverlayName => Overlay;

    public string State => StateOf(Overlay);

    public string Advisories => AdvisoriesOf(Overlay);

    public string Changes => ChangesOf(Overlay);

    public string ChangesSubject => $"controlplane.{Overlay}.changes";

    /// <summary>The streams of an overlay.</summary>
    public static IEnumerable<string> NamesOf(string overlay) => [StateOf(overlay), AdvisoriesOf(overlay), ChangesOf(overlay)];

    /// <summary>The subjects that are published to for them.</summary>
    public static IEnumerable<string> SubjectsOf(string overlay) =>
        [$"controlplane.{overlay}.state.>", $"controlplane.{overlay}.advisory.*", $"controlplane.{overlay}.changes"];

    public string AdvisorySubject(string kind) => $"controlplane.{Overlay}.advisory.{kind}";

    /// <summary>The subject of a kept message. Areas and keys are encoded: neither can reach into another.</summary>
    public string StateSubject(string area, string key) => $"controlplane.{Overlay}.state.{Encode(area)}.{Encode(key)}";

    public string StateSubjects(string area) => $"controlplane.{Overlay}.state.{Encode(area)}.*";

    /// <summary>The key in a subject of <see cref="StateSubject"/>; null in one that is not ours, though it looks like it.</summary>
    public static string? KeyOrNull(string subject)
    {
        var token = subject[(subject.LastIndexOf('.') + 1)..];
        var key = new byte[token.Length / 2];
        return token is ['k', .. var digits] && Convert.FromHexString(digits, key, out _, out var length) == OperationStatus.Done
            ? Encoding.UTF8.GetString(key, 0, length)
            : null;
    }

    /// <exception cref="SoftStateException">There are no brokers of this overlay.</exception>
    public NatsJSContext Context => connections.Of(Overlay) is [var connection, ..]
        ? new NatsJSContext(connection)
        : throw new SoftStateException($"Fleet:Overlays does not say how to reach the brokers of {Overlay}");

    /// <summary>Publishes and waits until the broker has stored it.</summary>
    /// <exception cref="SoftStateException">It has not, or nobody knows.</exception>
    public async Task PublishAsync(
        string stream, string subject, ReadOnlyMemory<byte> content, string? messageId, CancellationToken cancellationToken)
    {
        await EnsureAsync(stream, cancellationToken);
        await AskAsync(
            async (context, limit) =>
            {
                var ack = await context.PublishAsync(
                    subject,
                    content.ToArray(),
                    NatsRawSerializer<byte[]>.Default,
                    new NatsJSPubOpts { MsgId = messageId },
                    cancellationToken: limit);
                ack.EnsureSuccess();
                return true;
            },
            stream,
            cancellationToken);
    }

    /// <summary>Sees that a stream is there.</summary>
    /// <exception cref="SoftStateException">It is not, and cannot be made.</exception>
    public async Task EnsureAsync(string stream, CancellationToken cancellationToken)
    {
        if (ensured.ContainsKey(stream))
        {
            return;
        }

        await AskAsync(
            async (context, limit) =>
            {
                try
                {
                    await context.CreateStreamAsync(Describe(stream), limit);
                }
                catch (NatsJSApiException exists) when (exists.Error.ErrCode == NameInUse)
                {
                    // It is there, with the settings of whoever made it.
                }

                return true;
            },
            stream,
            cancellationToken);
        ensured[stream] = 0;
    }

    /// <summary>Tries what we live by: each stream is there or can be made, and the one of soft state takes a message.</summary>
    /// <exception cref="SoftStateException">It failed; the message says on which stream and why.</exception>
    public async Task TryAsync(CancellationToken cancellationToken)
    {
        foreach (var stream in NamesOf(Overlay))
        {
            var isThere = await AskAsync(
                async (context, limit) =>
                {
                    try
                    {
                        await context.GetStreamAsync(stream, cancellationToken: limit);
                        return true;
                    }
                    catch (NatsJSApiException missing) when (missing.Error.Code == NotFound)
                    {
                        return false;
                    }
                },
                stream,
                cancellationToken);
            if (!isThere)
            {
                ensured.TryRemove(stream, out _);
                await EnsureAsync(stream, cancellationToken);
            }
        }

        await PublishAsync(State, StateSubject(TrialArea, Overlay), "{}"u8.ToArray(), messageId: null, cancellationToken);
    }

    /// <summary>Whether we know brokers that keep these streams.</summary>
    public bool AreReachable => connections.Of(Overlay).Count > 0;

    /// <summary>Asks the broker within a time limit, and says in one way that it did not answer.</summary>
    /// <exception cref="SoftStateException">It failed.</exception>
    public async Task<T> AskAsync<T>(
        Func<NatsJSContext, CancellationToken, Task<T>> ask, string stream, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(PublishTimeout);
        try
        {
            return await ask(Context, limit.Token);
        }
        catch (Exception fault) when (NatsFault.Is(fault))
        {
            // Somebody may have deleted the stream: the next one makes it anew.
            ensured.TryRemove(stream, out _);
            throw new SoftStateException($"the brokers of {Overlay} did not do it on {stream}: {fault.Message}", fault);
        }
        catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
        {
            ensured.TryRemove(stream, out _);
            throw new SoftStateException($"the brokers of {Overlay} did not answer within {PublishTimeout.TotalSeconds:0} s", late);
        }
    }

    private StreamConfig Describe(string stream)
    {
        var described = stream == State
            ? new StreamConfig(State, [$"controlplane.{Overlay}.state.>"])
            {
                Description = "ControlPlane: soft state, the last message of each key",
                MaxMsgsPerSubject = 1,
                MaxBytes = fleet.Value.StateBytesMax,
            }
            : stream == Changes
                ? new StreamConfig(Changes, [ChangesSubject])
                {
                    Description = "ControlPlane: how nodes stand after each change",
                    MaxAge = fleet.Value.ChangesMaxAge,
                    MaxBytes = fleet.Value.ChangesBytesMax,
                    MaxMsgs = ChangesMax,
                }
                : new StreamConfig(Advisories, [AdvisorySubject("*")])
                {
                    Description = "ControlPlane: nodes that are new, late, lost or back, as Choria's age advisories",
                    MaxAge = fleet.Value.AdvisoriesMaxAge,
                    MaxBytes = fleet.Value.AdvisoriesBytesMax,
                };
        described.NumReplicas = fleet.Value.StateReplicas;
        return described;
    }

    private static string StateOf(string overlay) => $"controlplane_{overlay}_state";

    private static string AdvisoriesOf(string overlay) => $"controlplane_{overlay}_advisories";

    private static string ChangesOf(string overlay) => $"controlplane_{overlay}_changes";

    // A letter before the digits: a token may not be empty.
    private static string Encode(string text) => "k" + Convert.ToHexStringLower(Encoding.UTF8.GetBytes(text));
}
