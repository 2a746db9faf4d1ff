namespace ControlPlane.FleetSimulator.Broker;

/// <summary>A broker refused a node, or could not be talked to. The node tries again, as an agent does.</summary>
internal sealed class BrokerException(string message, Exception? inner = null) : Exception(message, inner);
