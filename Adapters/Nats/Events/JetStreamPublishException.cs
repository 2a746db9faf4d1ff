namespace ControlPlane.Adapters.Nats;

/// <summary>An event was published and the server did not say that it stored it. It may be published again.</summary>
/// <remarks>
/// It says why in words and carries no inner exception: it crosses grain calls, and one of the NATS client's inside would make
/// Orleans fail to tell the caller anything at all.
/// </remarks>
[GenerateSerializer, Alias("ControlPlane.Adapters.Nats.JetStreamPublishException")]
public sealed class JetStreamPublishException(string message) : Exception(message);
