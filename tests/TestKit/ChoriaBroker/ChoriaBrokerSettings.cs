using ControlPlane.Adapters.Choria;

namespace ControlPlane.TestKit;

/// <summary>How a <see cref="ChoriaBroker"/> is started.</summary>
public sealed record ChoriaBrokerSettings
{
    /// <summary>Who may log in.</summary>
    public required BrokerSettings Access { get; init; }

    /// <summary>The broker's certificate.</summary>
    public required PkiFiles Certificate { get; init; }

    /// <summary>The CA of clients' certificates, PEM; needed where <see cref="Access"/> verifies them.</summary>
    public string? AuthorityPath { get; init; }

    /// <summary>
    /// How long after its start the broker makes its streams; at once by default. Choria's waits for 10 to 69 seconds. Null: the broker has
    /// no store, and so no JetStream.
    /// </summary>
    public TimeSpan? StreamsAfter { get; init; } = TimeSpan.Zero;

    /// <summary>Where JetStream stores. A temporary folder that is removed on dispose by default.</summary>
    public string? DataFolder { get; init; }

    public string Name { get; init; } = "broker";

    /// <summary>Decides a log-in; <see cref="BrokerDecision"/> by the clock when not given.</summary>
    public Func<BrokerLogIn, BrokerVerdict>? Judge { get; init; }
}
