namespace ControlPlane.Tidy.Tests;

/// <summary>House style 1.2: Silo → Adapters → Grains → GrainInterfaces, one direction.</summary>
internal static class Layers
{
    private const string Contracts = "ControlPlane.GrainInterfaces";
    private const string Decisions = "ControlPlane.Grains";
    private const string Choria = "ControlPlane.Adapters.Choria";
    private const string Nats = "ControlPlane.Adapters.Nats";
    private const string Certificates = "ControlPlane.X509";
    private const string Http = "ControlPlane.Adapters.Http";
    private const string Transport = "ControlPlane.Adapters.Transport";

    private static readonly string[] OutsideSystems =
    [
        "NATS.*", "StackExchange.*", "Azure.*", "NSec.*", "System.Net.Http*", "System.Net.Sockets", "Microsoft.AspNetCore*",
        "OpenTelemetry*",
    ];

    public static readonly IReadOnlyList<LayerRule> Rules =
    [
        new(Contracts, [], [.. OutsideSystems, "Orleans.Runtime", "Orleans.Streaming*"],
            "a workflow engine references the contracts and Orleans.Client alone; whatever they refer to, it must ship too"),
        new(Certificates, [], [.. OutsideSystems, "Orleans*", "Microsoft.Orleans*", "Microsoft.Extensions*"],
            "reading and writing X.509 is arithmetic: grains judge by it and adapters sign by it, so that it knows neither"),
        new(Decisions, [Contracts, Certificates], OutsideSystems,
            "what grains need from outside is a port that they declare: decisions are tested without it, and a vendor can be replaced"),
        new(Choria, [], ["NATS.*", "Orleans*", "Microsoft.Orleans*"],
            "the wire protocol is usable without Orleans and without a connection"),
        new(Nats, [], [],
            "the stream provider knows JetStream and Orleans streams, and nothing of fleets: it could live in another product"),
        new(Http, [Decisions, Contracts, Certificates], ["NATS.*", "Orleans.Runtime*", "Orleans.Streaming*", "Microsoft.AspNetCore*"],
            "what CAs are called by over HTTP, whichever they are: it knows none of them, and says what failed in the words of their port"),
        new(Transport, [Certificates], ["NATS.*", "StackExchange.*", "Orleans.Streaming*"],
            "silos and Orleans clients prove themselves by it alike: a workflow engine ships it without the rest"),
        new("ControlPlane.Adapters.Fleet", [Choria, Nats, Decisions, Contracts, Certificates], [],
            "it joins the wire protocol and the connections to the ports of the grains, and no other adapter"),
        new("ControlPlane.Adapters.*", [Http, Decisions, Contracts, Certificates], ["Microsoft.AspNetCore*"],
            "one port, one outside system: adapters that see each other cannot be left out one by one"),
    ];

    /// <summary>The first rule that names the assembly is the one that holds.</summary>
    public static IEnumerable<string> Faults(string assembly, IEnumerable<string> references) =>
        Rules.FirstOrDefault(rule => rule.HoldsFor(assembly))?.Faults(assembly, references) ?? [];
}
