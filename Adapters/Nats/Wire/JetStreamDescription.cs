using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Nats;

internal static class JetStreamDescription
{
    /// <summary>The server's words for a stream that is to be made.</summary>
    public static StreamConfig Of(string name, JetStreamCreation creation) => new(name, [.. creation.Subjects])
    {
        MaxAge = creation.MaxAge,
        MaxBytes = creation.BytesMax,
        NumReplicas = creation.Replicas,
        Storage = creation.InMemory ? StreamConfigStorage.Memory : StreamConfigStorage.File,
    };
}
