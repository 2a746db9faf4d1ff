namespace ControlPlane.FleetSimulator.Broker;

/// <summary>Hears what arrives on the subscriptions of a <see cref="NatsLink"/>.</summary>
internal interface ILinkListener
{
    /// <summary>A message. The payload is only good until the method returns; nothing else is read meanwhile.</summary>
    void Receive(ReadOnlySpan<byte> payload);
}
