using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Nats;
using ControlPlane.Nodes;
using ControlPlane.Placement;

namespace ControlPlane.Adapters.Fleet;

/// <summary>A JetStream stream in which nodes are heard.</summary>
/// <param name="Name">The source's name in the stream provider; its decoder finds the network in it.</param>
/// <param name="Network">Which network's brokers have it.</param>
/// <param name="JetStream">Its JetStream name.</param>
/// <param name="Subjects">What is read of it, and what it captures when we make it.</param>
/// <param name="DecoderKey">The key of its decoder.</param>
/// <param name="SignOrNull">Whose sign of life a message is, its proof and content not looked at; null when it is nobody's.</param>
internal sealed record FleetSource(
    string Name,
    string Network,
    string JetStream,
    IReadOnlyList<string> Subjects,
    string DecoderKey,
    Func<JetStreamMessage, FleetEvent?> SignOrNull)
{
    public const string LifecycleKey = "choria-lifecycle";
    public const string RegistrationKey = "choria-registration";
    public const string MachineKey = "choria-machine";
    public const string SubmissionKey = "choria-submission";

    /// <summary>Whether only the newest message of a node matters; lifecycle events are told to the node, each of them.</summary>
    public bool IsOfLifecycle => DecoderKey == LifecycleKey;

    /// <summary>How we make the stream when it is missing; null when we do not.</summary>
    public JetStreamCreation? Creation { get; private init; }

    /// <summary>The streams of the provisioning network and of the overlays that this silo serves, as they are configured.</summary>
    public static IEnumerable<FleetSource> Of(FleetOptions fleet, OverlaysOptions overlays)
    {
        var decoder = new LifecycleDecoder(fleet, overlays);
        return fleet.NodeNetworks(overlays)
            .SelectMany(network => network.Key == FleetStreams.ProvisioningNetwork
                ? [Lifecycle(network.Key, network.Value, decoder)]
                : OfOverlay(
                    network.Key, network.Value, ChoriaNodeAgent.CollectivesOf(overlays.Members.GetValueOrDefault(network.Key)), decoder))
            .Where(source => source.JetStream.Length > 0);
    }

    public JetStreamSourceOptions ToOptions()
    {
        var options = new JetStreamSourceOptions
        {
            Name = Name,
            ConnectionKey = Network,
            JetStream = JetStream,
            DecoderKey = DecoderKey,
            Create = Creation,
        };
        foreach (var subject in Subjects)
        {
            options.Subjects.Add(subject);
            options.Create?.Subjects.Add(subject);
        }

        return options;
    }

    private static IEnumerable<FleetSource> OfOverlay(
        string overlay, NetworkOptions network, IReadOnlyList<string> collectives, LifecycleDecoder lifecycle) =>
    [
        Lifecycle(overlay, network, lifecycle),
        new(
            RegistrationDecoder.SourceOf(overlay),
            overlay,
            network.RegistrationStreamName,
            network.RegistrationSubjects is { Count: > 0 } registered
                ? registered
                : [.. collectives.Select(ChoriaSubjects.Registration), ChoriaSubjects.AllNodeMetadata],
            RegistrationKey,
            RegistrationDecoder.SignOrNull)
        {
            // Nodes register every five minutes; what is older than some rounds was overtaken.
            Creation = CreationOf(network, TimeSpan.FromHours(1)),
        },
        new(
            MachineDecoder.SourceOf(overlay),
            overlay,
            network.MachineStreamName,
            [ChoriaSubjects.AllMachineEvents],
            MachineKey,
            message => new MachineDecoder().Decode(message).Payload as FleetEvent)
        {
            Creation = CreationOf(network),
        },
        new(
            SubmissionDecoder.SourceOf(overlay),
            overlay,
            network.SubmissionStreamName,
            network.SubmissionSubjects is { Count: > 0 } submitted ? submitted : [.. collectives.Select(ChoriaSubjects.AllSubmissions)],
            SubmissionKey,
            SubmissionDecoder.SignOrNull)
        {
            Creation = CreationOf(network),
        },
    ];

    private static FleetSource Lifecycle(string network, NetworkOptions options, LifecycleDecoder decoder) => new(
        network,
        network,
        options.StreamName,
        [ChoriaSubjects.AllLifecycleEvents],
        LifecycleKey,
        message => decoder.Decode(message).Payload as FleetEvent)
    {
        Creation = CreationOf(options),
    };

    private static JetStreamCreation? CreationOf(NetworkOptions network, TimeSpan? maxAge = null) => network.CreateStream
        ? new JetStreamCreation
        {
            MaxAge = maxAge < network.StreamMaxAge ? maxAge.Value : network.StreamMaxAge,
            BytesMax = network.StreamBytesMax,
        }
        : null;
}
