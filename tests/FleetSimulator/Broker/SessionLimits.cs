namespace ControlPlane.FleetSimulator.Broker;

/// <summary>What all connections of a fleet share.</summary>
/// <param name="Connecting">Bounds how many connect at once.</param>
/// <param name="ConnectTimeout">For how long one attempt may last.</param>
/// <param name="ResumeTls">Whether TLS sessions are resumed, which an agent does not do and which saves CPU.</param>
internal sealed record SessionLimits(SemaphoreSlim Connecting, TimeSpan ConnectTimeout, bool ResumeTls, TimeProvider Time);
