using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(ControlPlane.LongestFirst))]

namespace ControlPlane;

/// <summary>Begins with the classes that take longest, so that none of them is still at it when all others have ended.</summary>
internal sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Long =
    [
        // Cluster.Tests.
        ".EnrolmentEndToEndTests", ".SoakTests", ".PlaneFaultTests", ".UnheardNodeTests", ".FleetLifeEndToEndTests", ".FleetStateTests",
        ".BrakeEndToEndTests", ".RegionProcessTests", ".SiloProcessTests", ".RenewalEndToEndTests", ".OverdueArrivalTests",
        ".EnrolmentControlTests", ".PolicyAndPlanGrainTests", ".NodeGrainTests",

        // Adapters.Tests.
        ".Nats.FaultTests", ".Nats.ProcessTests", ".ChoriaBrokerTests", ".StartTests", ".BrokerAccessTests", ".NodeCallsTests",
    ];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection => [.. testCollections.OrderBy(PlaceOf)];

    // "Test collection for ControlPlane.Cluster.Tests.Chaos.SoakTests (id: …)"
    private static int PlaceOf<TTestCollection>(TTestCollection collection)
        where TTestCollection : ITestCollection
    {
        var name = collection.TestCollectionDisplayName.Split(" (id:")[0];
        var place = Array.FindIndex(Long, one => name.EndsWith(one, StringComparison.Ordinal));
        return place < 0 ? Long.Length : place;
    }
}
