using System.ComponentModel;
using System.Net.Sockets;
using ControlPlane.Certificates;
using ControlPlane.Fleet;
using ControlPlane.Hosting;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.Store;
using Microsoft.Extensions.DependencyInjection;
using NATS.Client.Core;
using NATS.Client.JetStream;
using Orleans.Serialization;
using StackExchange.Redis;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>Whatever a client library or a port throws crosses a call between silos as it is.</summary>
public sealed class CarriedExceptionsTests : IDisposable
{
    private readonly ServiceProvider services;

    public CarriedExceptionsTests()
    {
        var collection = new ServiceCollection().AddSerializer();
        OrleansRuntime.CarryExceptions(collection);
        services = collection.BuildServiceProvider();
    }

    public static TheoryData<Exception> Thrown =>
    [
        new NatsException("gone"),
        new NatsNoRespondersException(),
        new NatsJSException("gone"),
        new NatsServerException("Authorization Violation"),
        new RedisConnectionException(ConnectionFailureType.SocketFailure, "gone"),
        new RedisTimeoutException("late", CommandStatus.Sent),
        new RedisServerException("OOM command not allowed"),
        new HttpRequestException("gone"),
        new SocketException(111),
        new IOException("broken pipe"),
        new Win32Exception(2),
        new UnauthorizedAccessException("no"),
        new NodeSilentException("no answer"),
        new NodeRefusedException(NodeFault.Other, "disk full"),
        new NetworkUnavailableException("gone"),
        new KeyUnprovenException("of another key"),
        new StoreUnavailableException("gone"),
        new ExternalDecisionException("exit code 1"),
        new PlacementUnavailableException("gone"),
        new LedgerUnavailableException("gone"),
        new IssuerRefusedException("no"),
    ];

    public void Dispose() => services.Dispose();

    [Theory]
    [MemberData(nameof(Thrown), DisableDiscoveryEnumeration = true)]
    public void AnException_ArrivesAsItWasThrown(Exception thrown)
    {
        var serializer = services.GetRequiredService<Serializer>();

        var arrived = serializer.Deserialize<Exception>(serializer.SerializeToArray(thrown))!;

        Assert.Equal((thrown.GetType(), thrown.Message), (arrived.GetType(), arrived.Message));
    }
}
